# Runs one of the job's scripts inside the image and records its exit status. Plain POSIX sh: an image may have no
# Bash. The lines above set:
#   shell   the shell that runs the script
#   script  the script that gitlab-runner generated
#   record  a file on the host, bound into the container
cut=0
trap 'cut=1' TERM INT HUP
printf 'v1 started\n' > "$record" || exit 125
#JACAMAR_GATE
# there: the image can be read. Its root vanishes when ch-run is killed, and then a script may still end with 0.
there() { { true < "$shell"; } 2> /dev/null; }
there
before=$?
# The script gets a process group without ch-run: `kill 0` in a script must not end its own container.
if [ -n "${BASH_VERSION-}" ]; then
  set -m
  "$shell" "$script" < /dev/null &
  pid=$!
  # With job control a script that was stopped would look like one that has ended.
  set +m
  while :; do
    { wait "$pid"; } 2> /dev/null
    rc=$?
    # A trapped signal ends `wait` early.
    kill -0 "$pid" 2> /dev/null || break
  done
elif command -v setsid > /dev/null; then
  # Other shells need a terminal for job control, and with one they would stop until they are in the foreground.
  setsid "$shell" "$script" < /dev/null
  rc=$?
else
  "$shell" "$script" < /dev/null
  rc=$?
fi
[ "$before" != 0 ] || there || cut=1
printf 'v1 ended %s %s\n' "$rc" "$cut" >> "$record"
exit "$rc"
