// What each panel of the call pane is drawn by.
import type { Component } from 'svelte';
import type { CallView } from '../../backend';
import type { PanelName } from '../../state/panel.svelte';
import TransferPanel from '../transfer/TransferPanel.svelte';
import KeypadPanel from './KeypadPanel.svelte';

export const PANELS: Record<PanelName, Component<{ call: CallView }>> = { keypad: KeypadPanel, transfer: TransferPanel };
