import { describe, expect, it } from 'vitest';
import { accountFrom, faultsIn, fieldOf, typedFrom } from './form';

const typed = { ...typedFrom(null), domain: 'pbx.example', user: '1001', password: 'secret' };

describe('faultsIn', () => {
  it('asks for address and user', () => {
    expect(faultsIn(typedFrom(null))).toEqual({ domain: 'required', user: 'required' });
    expect(faultsIn(typed)).toEqual({});
  });

  it.each(['pbx', 'pbx.example', 'pbx.example:5061', '10.0.0.1', '[::1]:5060', 'مثال.إختبار', 'sip:pbx.example', 'https://pbx.example/admin'])(
    'takes %j for an address',
    (domain) => expect(faultsIn({ ...typed, domain })).toEqual({}),
  );

  it.each(['a b', 'pbx:port', 'pbx:0', 'pbx:70000', '-x', 'user@host', '<b>'])('does not take %j for one', (domain) =>
    expect(faultsIn({ ...typed, domain })).toEqual({ domain: 'host' }),
  );

  it('checks numbers', () => {
    expect(faultsIn({ ...typed, expires: '10' })).toEqual({ expires: 'number' });
    expect(faultsIn({ ...typed, expires: 'soon' })).toEqual({ expires: 'number' });
    expect(faultsIn({ ...typed, expires: '600', direct: true, local_port: '5070' })).toEqual({});
    expect(faultsIn({ ...typed, direct: true, local_port: '99999' })).toEqual({ local_port: 'number' });
  });
});

describe('accountFrom', () => {
  it('sends nothing for what was left empty', () => {
    expect(accountFrom({ ...typed, password: '' })).toEqual({
      label: '', kind: 'registrar', user: '1001', domain: 'pbx.example', password: null, display_name: null, auth_user: null,
      registrar: null, proxy: null, transport: 'udp', ca_file: null, expires: null, local_port: null,
    });
  });

  it('takes an address that was pasted whole', () => {
    expect(accountFrom({ ...typed, user: ' sip:1001@pbx.example ', domain: 'sip:pbx.example' })).toMatchObject({
      user: '1001', domain: 'pbx.example',
    });
  });

  it('leaves a password as it was typed', () => {
    expect(accountFrom({ ...typed, password: ' pass word ' }).password).toBe(' pass word ');
  });

  it('gives back what it was given', () => {
    const account = accountFrom({ ...typed, password: '', expires: '600', direct: true, local_port: '5070', transport: 'tls' });
    expect(accountFrom(typedFrom(account))).toEqual(account);
  });
});

it('puts a failure beside the field that it is about', () => {
  expect(fieldOf({ code: 'reg.unauthorized', params: {} })).toBe('password');
  expect(fieldOf({ code: 'wire.host_unknown', params: { host: 'x' } })).toBe('domain');
  expect(fieldOf({ code: 'command.bad_account', params: { field: 'proxy' } })).toBe('proxy');
  expect(fieldOf({ code: 'command.bad_account', params: { field: 'toString' } })).toBeUndefined();
  expect(fieldOf({ code: 'reg.server_error', params: {} })).toBeUndefined();
});
