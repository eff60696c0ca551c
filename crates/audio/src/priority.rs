//! Real-time priority for the threads that sound hangs on. Without it sound plays too, with more gaps on a busy machine.

/// Frames and rate of the work in one period; some systems reserve time by it.
const PERIOD_FRAMES: u32 = hatif_media::BLOCK as u32;

/// Raises the calling thread, by whatever the system has: MMCSS on Windows, a time constraint on macOS; on Linux directly
/// where that is allowed, else by rtkit, which may take a while and is asked from a thread of its own.
pub(crate) fn raise_media_thread() {
    #[cfg(target_os = "linux")]
    {
        if raise_directly(MEDIA) {
            return;
        }
        match audio_thread_priority::get_current_thread_info() {
            Ok(thread) => {
                let ask = move || {
                    let raised = audio_thread_priority::promote_thread_to_real_time(
                        thread,
                        PERIOD_FRAMES,
                        hatif_media::SAMPLE_RATE,
                    );
                    if let Err(error) = raised {
                        tracing::debug!(%error, "the media thread runs at normal priority");
                    }
                };
                drop(std::thread::Builder::new().name("hatif-rtkit".into()).spawn(ask));
            }
            Err(error) => tracing::debug!(%error, "the media thread runs at normal priority"),
        }
    }
    #[cfg(not(target_os = "linux"))]
    if let Err(error) =
        audio_thread_priority::promote_current_thread_to_real_time(PERIOD_FRAMES, hatif_media::SAMPLE_RATE)
    {
        tracing::debug!(%error, "the media thread runs at normal priority");
    }
}

/// Raises a thread that opens streams: on Linux the callback threads inherit its priority where it may be raised directly.
/// Elsewhere, and with rtkit, cpal and the system raise them.
pub(crate) fn raise_stream_opener() {
    #[cfg(target_os = "linux")]
    raise_directly(STREAMS);
}

/// Low among the real-time priorities: below the sound server and the kernel's own threads.
#[cfg(target_os = "linux")]
const MEDIA: u8 = 10;
/// Below the media thread: where a sound server dies, the ALSA library lets the streams' threads spin, and it is the media
/// thread that notices and closes them.
#[cfg(target_os = "linux")]
const STREAMS: u8 = 5;

#[cfg(target_os = "linux")]
fn raise_directly(priority: u8) -> bool {
    use thread_priority::{
        RealtimeThreadSchedulePolicy, ThreadPriority, ThreadPriorityValue, ThreadSchedulePolicy,
        set_thread_priority_and_policy, thread_native_id,
    };
    let Ok(value) = ThreadPriorityValue::try_from(priority) else { return false };
    // In turns: a thread that spins leaves time to the others of its priority.
    let policy = ThreadSchedulePolicy::Realtime(RealtimeThreadSchedulePolicy::RoundRobin);
    set_thread_priority_and_policy(thread_native_id(), ThreadPriority::Crossplatform(value), policy).is_ok()
}
