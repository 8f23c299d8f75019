# Functions that the scripts share. Sourced from the repository's root; not a command of its own.
# shellcheck shell=bash

# Where the caller was before the script went to the root.
caller=$OLDPWD

say() { printf '%s\n' "$*" >&2; }
die() { say "$(basename "$0"): $*" && exit 1; }

# A path as the caller meant it.
from_caller() { # PATH
    case "$1" in
        /*) printf '%s\n' "$1" ;;
        *) printf '%s\n' "$caller/$1" ;;
    esac
}

# Runs a command as root: directly, or through sudo.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        die "needs root for: $*"
    fi
}

# Bash's own /dev/tcp: nothing to install for a probe.
listening() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Prints a port on which nothing listens, below the range that the kernel hands out to clients.
free_port() {
    local port
    for _ in $(seq 100); do
        port=$((20000 + RANDOM % 10000))
        listening "$port" || { echo "$port" && return; }
    done
    die "found no free port between 20000 and 29999"
}

# The first byte that a server answers to a greeting, as a number.
first_byte() ( # PORT GREETING, in printf's notation
    exec 3<>"/dev/tcp/127.0.0.1/$1"
    printf "%b" "$2" >&3
    timeout 2 head -c 1 <&3 | od -An -tu1 | tr -d ' '
) 2>/dev/null

# A broker that is ready answers the protocol header with a method frame, of type 1.
amqp_answers() { [ "$(first_byte "$1" 'AMQP\0\0\011\01')" = 1 ]; }

http_answers() { [ "$(first_byte "$1" 'GET / HTTP/1.0\r\n\r\n')" = 72 ]; } # "H"

wait_until() { # SECONDS PID_FILE PROBE… ; fails early when the process is gone
    local tries=$(($1 * 5)) pid_file=$2
    shift 2
    for _ in $(seq "$tries"); do
        if "$@"; then return; fi
        running "$pid_file" || return 1
        sleep 0.2
    done
    return 1
}

# A pid file holds the pid and the start time, so that a pid used again by another program is never taken for ours.
start_time() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }

start() { # PID_FILE LOG COMMAND… ; in a session of its own, so that Ctrl-C reaches only the script
    local pid_file=$1 log=$2 pid
    shift 2
    setsid "$@" </dev/null >>"$log" 2>&1 &
    pid=$!
    echo "$pid $(start_time "$pid")" >"$pid_file"
}

running() { # PID_FILE
    local pid started
    [ -r "$1" ] && read -r pid started <"$1" && [ -n "$started" ] && [ "$(start_time "$pid")" = "$started" ]
}

stop() { # PID_FILE ; asks, waits, then kills the session that `start` made
    local pid
    if running "$1"; then
        read -r pid _ <"$1"
        kill -TERM "$pid" 2>/dev/null || true
        for _ in $(seq "${STOP_SECONDS:-20}"); do
            for _ in 1 2 3 4 5; do
                running "$1" || break 2
                sleep 0.2
            done
        done
        if running "$1"; then
            say "$(basename "$1" .pid) (pid $pid) did not stop when asked: killed"
            kill -KILL -- "-$pid" 2>/dev/null || true
        fi
    fi
    rm -f "$1"
}

# One name for one directory, so that a restarted node finds its own data.
node_name() { echo "earwitness-$(printf %s "$1" | cksum | cut -d' ' -f1)@localhost"; } # DIR

# One build for all binaries: built apart, cargo would compile shared crates twice with other features.
build_binaries() { # [--release]
    cargo build --locked "$@" -p earwitness -p earwitness-tests --bin earwitness --bin dev-s3
}

binary() { # NAME [--release]
    echo "${CARGO_TARGET_DIR:-target}/$([ "${2:-}" = --release ] && echo release || echo debug)/$1"
}
