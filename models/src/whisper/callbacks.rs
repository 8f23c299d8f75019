//! What whisper.cpp calls back: the stop flag, the choice of the next token, the log. In: pointers that live as long as
//! the call. Out: nothing that outlives it. Cannot fail and never unwinds into C. `unsafe`, as
//! the binding's own safe abort callback casts a boxed closure to the wrong type.

#![expect(unsafe_code, reason = "C callbacks; each block states why it is sound")]

use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};

use whisper_rs::{FullParams, WhisperSysContext, WhisperSysState, WhisperTokenData};

use crate::steer::Steer;

/// Puts both callbacks into `parameters`. These hold raw pointers to `abort` and `steer`, which must outlive the engine's
/// run; the caller passes `parameters` by value to that run and drops neither before it returns.
pub(super) fn install(parameters: &mut FullParams<'_, '_>, abort: &AtomicBool, steer: &mut Steer) {
    // SAFETY: both callbacks only touch what their user data points at, with the types given here, and never panic.
    unsafe {
        parameters.set_abort_callback(Some(is_raised));
        parameters.set_abort_callback_user_data(std::ptr::from_ref(abort).cast_mut().cast());
        parameters.set_filter_logits_callback(Some(steer_next_token));
        parameters.set_filter_logits_callback_user_data(std::ptr::from_mut(steer).cast());
    }
}

unsafe extern "C" fn is_raised(abort: *mut c_void) -> bool {
    // SAFETY: `install` put a valid `AtomicBool` here, and it is only read.
    unsafe { &*abort.cast::<AtomicBool>() }.load(Ordering::Acquire)
}

unsafe extern "C" fn steer_next_token(
    context: *mut WhisperSysContext,
    _state: *mut WhisperSysState,
    tokens: *const WhisperTokenData,
    token_count: c_int,
    logits: *mut f32,
    steer: *mut c_void,
) {
    // SAFETY: `install` put a valid `Steer` here; one thread decodes, so nothing else holds it.
    let steer = unsafe { &mut *steer.cast::<Steer>() };
    let written = usize::try_from(token_count).unwrap_or(0);
    let tokens = if written == 0 {
        &[]
    } else {
        // SAFETY: the engine passes its sequence so far with its length.
        unsafe { std::slice::from_raw_parts(tokens, written) }
    };
    if !steer.ends_after(tokens.iter().map(|t| t.id)) {
        return;
    }
    // SAFETY: the context is the one in use, and the call only reads a number.
    let vocabulary = unsafe { whisper_rs::whisper_rs_sys::whisper_n_vocab(context) };
    // SAFETY: the engine passes as many scores as its vocabulary has entries.
    let logits =
        unsafe { std::slice::from_raw_parts_mut(logits, usize::try_from(vocabulary).unwrap_or(0)) };
    steer.force_end(logits);
}

/// Sends the engine's log to `tracing`, without what it says about tokens and text.
pub(super) fn route_engine_log() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // SAFETY: the callback takes no user data and never panics.
        unsafe { whisper_rs::set_log_callback(Some(log), std::ptr::null_mut()) }
    });
}

unsafe extern "C" fn log(level: u32, text: *const c_char, _user_data: *mut c_void) {
    /// ggml's `enum ggml_log_level`.
    const WARN: u32 = 3;
    const ERROR: u32 = 4;
    if text.is_null() || level == 0 {
        return;
    }
    // SAFETY: the engine passes a string that ends in NUL and lives for the call.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy();
    let message = content_free(&text);
    if message.is_empty() {
        return;
    }
    if level == WARN || level == ERROR {
        tracing::warn!(target: "whisper_cpp", engine_level = level, "{message}");
    } else {
        tracing::debug!(target: "whisper_cpp", "{message}");
    }
}

/// What may be logged of an engine's line: all of it while a model loads, else the function that wrote it. Lines written
/// while decoding can hold tokens, and so speech.
fn content_free(line: &str) -> &str {
    /// These run before any audio is given.
    const LOADING: [&str; 4] = [
        "whisper_model_load:",
        "whisper_init_",
        "whisper_backend_init",
        "whisper_kv_cache_init",
    ];
    let line = line.trim();
    if LOADING.iter().any(|start| line.starts_with(start)) {
        return line;
    }
    let function = line.split_once(':').map_or("", |(function, _)| function);
    let is_name = function.starts_with("whisper_") || function.starts_with("ggml_");
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if is_name && function.chars().all(is_word) {
        function
    } else {
        ""
    }
}

#[cfg(test)]
mod tests {
    use super::content_free;

    #[test]
    fn only_loading_lines_are_logged_whole() {
        let rows = [
            (
                "whisper_model_load: n_vocab = 51864\n",
                "whisper_model_load: n_vocab = 51864",
            ),
            (
                "whisper_full_with_state: prompt[0] = secret",
                "whisper_full_with_state",
            ),
            ("tokenize: unknown token 's'", ""),
            ("secret words", ""),
            ("whisper_ said something: secret", ""),
            ("", ""),
        ];
        for (line, wanted) in rows {
            assert_eq!(content_free(line), wanted, "{line}");
        }
    }
}
