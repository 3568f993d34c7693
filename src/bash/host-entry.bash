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
# Not in a variable: a profile may have made any name readonly.
set -- "$?"
printf 'v1 ended %s 0\n' "$1" >> "$record"
# Ends the shell with that status; `exit` itself would read ~/.bash_logout first.
(exit "$1")
