# Runs one of the job's scripts inside the image and records its exit status. Plain POSIX sh: an image may have no
# Bash. The lines above set:
#   shell   the shell that runs the script
#   script  the script that gitlab-runner generated
#   record  a file on the host, bound into the container
cut=0
trap 'cut=1' TERM INT HUP
printf 'v1 started\n' > "$record" || exit 125
# The script gets a process group without ch-run: `kill 0` in a script must not end its own container.
set -m 2> /dev/null
"$shell" "$script" < /dev/null &
pid=$!
while :; do
  { wait "$pid"; } 2> /dev/null
  rc=$?
  # A trapped signal ends `wait` early.
  kill -0 "$pid" 2> /dev/null || break
done
printf 'v1 ended %s %s\n' "$rc" "$cut" >> "$record"
exit "$rc"
