echo hello | socat -t 5 - "UNIX-CONNECT:${TMPDIR:-/tmp}/CoreFxPipe_$1"
