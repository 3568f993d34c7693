#!/usr/bin/env bash
# Supervises one stage of a job. The driver's `run` execs into this program, so it is the hook that gitlab-runner
# waits for and signals; no other process of the driver is left.
#
# Arguments: KIND RECORD KILL_TIMEOUT BUILD_FAILURE SYSTEM_FAILURE EXIT_CODE_FILE -- COMMAND...
#   KIND            host: COMMAND is a login shell; container: COMMAND is ch-run, which must not be signalled while
#                   anything runs in its image (a SquashFS root would vanish under the script)
#   RECORD          where the stage's own shell writes `v1 started` and then `v1 ended STATUS CUT`
#                   (its end becomes a line of jacamar-notes.jsonl, beside this program, for `cleanup`)
#   KILL_TIMEOUT    milliseconds between TERM and KILL when the stage is cancelled
#   BUILD_FAILURE, SYSTEM_FAILURE   gitlab-runner's exit codes
#   EXIT_CODE_FILE  where gitlab-runner reads the script's status, or empty
#
# The driver made this process a child subreaper before exec: whatever the stage starts stays below it in the process
# tree, also after setsid or a double fork. Written for Bash 4.2 and later.
set -u
# Until the rest of this program has been read, a signal is only noted.
cut=''
trap 'cut=TERM' TERM
trap 'cut=INT' INT
trap 'cut=HUP' HUP
# A closed log must not decide a job's result; a handler, since an ignored signal would be inherited by the job.
trap : PIPE

kind=$1 record=$2 kill_timeout=$3 build_failure=$4 system_failure=$5 exit_code_file=$6
shift 7

[[ -z $cut ]] || exit "$system_failure"
# Job control gives COMMAND a process group of its own: a signal to the hook's group reaches this program alone. While
# waiting it is off, or a COMMAND that was stopped would look like one that has ended.
set -m
"$@" < /dev/null &
p=$!
set +m
# From here on the stage runs, while Bash reads the rest of this program.

# spare: a process that is left alone; ending: the signal that cancelled the stage; told: who got TERM
tree='' listed='' spare='' ending='' told=' '

# Traps run inside the redirection of the `wait` that they interrupt, so messages have a descriptor of their own.
exec {log}>&2
said=''
say() {
  # shellcheck disable=SC2034 # for the summary, where there is one
  said=$1
  printf 'jacamar: %s\n' "$1" >&"$log"
}

# A pipe in which nothing ever comes, to wait at without a process: the stage may have used up all that its user may
# have. Without /dev/fd there is none, and waiting for leftovers is busy.
{ exec {never}<> <(:); } 2> /dev/null || exec {never}< /dev/null
pause() { read -r -t 0.05 -u "$never" || return 0; }

source processes.bash

word=failed code=-1
# note: the line about this stage's end; a figure that cannot be noted must not decide a job's result
# shellcheck disable=SC2317 # called by the trap
note() {
  local stage=${record##*/} ended=$word took
  now
  # The hook's own start, in hundredths of a second as well: nothing need be read while the stage starts.
  alive "$$"
  took=$((clock - ${who#*/}))
  [[ -z $ending ]] || ended=cancelled
  printf '{"kind":"stage","pid":%d,"stage":"%s","word":"%s","status":%d,"seconds":%d.%02d}\n' \
    "$$" "${stage%.status}" "$ended" "$code" "$((took / 100))" "$((took % 100))" >> "${0%/*}/jacamar-notes.jsonl"
} 2> /dev/null
trap note EXIT

keep() { tree+="$1 "; }

# look: `tree` becomes everything that is left of the stage; false when that is nothing for sure: what a process starts
# that ends in the middle of a look is not seen by it, but then the next look lists other processes
look() {
  local before=$listed
  tree='' listed=''
  descend "$$"
  [[ -n $tree || $listed != "$before" ]]
}

# tell SIGNAL: to each process in `tree`, TERM only once
tell() {
  local pid
  for pid in $tree; do
    if [[ $1 == TERM ]]; then
      [[ $told != *" $pid "* ]] || continue
      told+="$pid "
    fi
    kill "-$1" "$pid" 2> /dev/null
  done
}

# finish TIME: TERM to all that is left, from TIME on KILL; returns when nothing is left, at most two seconds after TIME
finish() {
  local killing=0
  while look; do
    now
    if ((clock < $1)); then
      tell TERM
    else
      tell KILL
      ((++killing < 40)) || break
    fi
    pause
  done
}

# cancel SIGNAL: ends the stage and this program
cancel() {
  [[ -z $ending ]] || return 0
  ending=$1
  say "cancelled by SIG$1: ending everything that this stage started"
  now
  local limit=$((clock + kill_timeout / 10))
  finish "$limit"
  if [[ -n $spare ]]; then
    # What can be left is a ch-run whose container is empty: it ends by itself, or here.
    pause
    pause
    spare=''
    finish "$limit"
  fi
  exit "$system_failure"
}

[[ $kind == host ]] || spare=$p
trap 'cancel TERM' TERM
trap 'cancel INT' INT
trap 'cancel HUP' HUP
source summary.bash
[[ -z $cut ]] || cancel "$cut"

source ending.bash

# Strict: what is garbage must not become a number.
if [[ ! $result =~ ^v1\ ended\ (0|[1-9][0-9]{0,2})\ (0|1)$ ]] || ((BASH_REMATCH[1] > 255)); then
  if [[ $result == 'v1 started' ]]; then
    if [[ $kind == container ]]; then
      say "the container ended (ch-run: status $status) before the script's own exit status was seen"
    else
      say "the job's shell ended (status $status) before the script's own exit status was seen"
    fi
  elif [[ -e $record ]]; then
    say "the script's exit status cannot be read from $record: is the disk full?"
  elif [[ $kind == container ]]; then
    say "ch-run could not start the script (status $status): see its message above"
  else
    say "the login shell ended with status $status before it reached the script: look for exit, exec or an error in the shell's profile files"
  fi
  exit "$system_failure"
fi
code=${BASH_REMATCH[1]} inner_cut=${BASH_REMATCH[2]}
if [[ $inner_cut == 1 ]]; then
  say "the script was cut short by a signal from outside; its status $code does not count"
  exit "$system_failure"
fi
if [[ $kind == container && $code != "$status" ]]; then
  say "the script recorded status $code but ch-run ended with $status: the container was cut short"
  exit "$system_failure"
fi
word=exited
[[ $code != 0 ]] || exit 0
if [[ -n $exit_code_file ]] && ! printf '%s\n' "$code" 2> /dev/null > "$exit_code_file"; then
  command -p rm -f -- "$exit_code_file"
fi
exit "$build_failure"
