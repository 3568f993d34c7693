# Runs one of the job's scripts in the clean login shell that reads this file. The lines above set:
#   record    where the exit status goes
#   fallback  a directory that holds gitlab-runner, or empty
# The script sets its own options; a profile's `set -e` must not end this shell before the status is written.
set +e
printf 'v1 started\n' > "$record" || exit 125
if [[ -n $fallback ]] && ! command -v gitlab-runner > /dev/null; then
  PATH=$PATH:$fallback
fi
unset fallback
(
unset record
#JACAMAR_SCRIPT
)
rc=$?
printf 'v1 ended %s 0\n' "$rc" >> "$record"
exit "$rc"
