#!/usr/bin/env bash
# Supervises one stage of a job. The driver's `run` execs into this program, so it is the hook that gitlab-runner
# waits for and signals; no other process of the driver is left.
#
# Arguments: KIND RECORD KILL_TIMEOUT BUILD_FAILURE SYSTEM_FAILURE EXIT_CODE_FILE -- COMMAND...
#   KIND            host: COMMAND is a login shell; container: COMMAND is ch-run, which must not be signalled while
#                   anything runs in its image (a SquashFS root would vanish under the script)
#   RECORD          where the stage's own shell writes `v1 started` and then `v1 ended STATUS CUT`
#   KILL_TIMEOUT    milliseconds between TERM and KILL when the stage is cancelled
#   BUILD_FAILURE, SYSTEM_FAILURE   gitlab-runner's exit codes
#   EXIT_CODE_FILE  where gitlab-runner reads the script's status, or empty
#
# The driver made this process a child subreaper before exec: whatever the stage starts stays below it in the process
# tree, also after setsid or a double fork.
set -u
kind=$1 record=$2 kill_timeout=$3 build_failure=$4 system_failure=$5 exit_code_file=$6
shift 7

p='' cut=''
declare -A told=()
tree=()

# Traps run inside the redirection of the `wait` that they interrupt, so messages have a descriptor of their own.
exec {log}>&2
say() { printf 'jacamar: %s\n' "$1" >&"$log"; }

# descend PID: adds all live descendants of PID to `tree`
descend() {
  local list kids pid
  for list in /proc/"$1"/task/*/children; do
    kids=''
    { read -r kids < "$list"; } 2> /dev/null
    for pid in $kids; do
      tree+=("$pid")
      descend "$pid"
    done
  done
}

# look: `tree` becomes everything that is left of the stage, without the ch-run that holds a container's root
look() {
  local pid all
  tree=()
  descend "$$"
  all=("${tree[@]+"${tree[@]}"}")
  tree=()
  for pid in "${all[@]+"${all[@]}"}"; do
    [[ $kind == container && $pid == "$p" ]] || tree+=("$pid")
  done
}

# tell SIGNAL: once to each process in `tree`
tell() {
  local pid
  for pid in "${tree[@]+"${tree[@]}"}"; do
    [[ -n ${told[$1 $pid]-} ]] || kill "-$1" "$pid" 2> /dev/null
    told[$1 $pid]=1
  done
}

# finish MILLISECONDS: TERM to all that is left, KILL when the time is over; returns when nothing is left
finish() {
  local rounds=$(($1 / 50)) start=$SECONDS killing=0
  while look; ((${#tree[@]})); do
    if ((rounds-- > 0 && SECONDS - start <= $1 / 1000)); then
      tell TERM
    else
      tell KILL
      ((++killing < 100)) || break
    fi
    sleep 0.05
  done
  return 0
}

# shellcheck disable=SC2317 # called by traps
cancel() {
  [[ -z $cut ]] || return 0
  cut=$1
  say "cancelled by SIG$1: ending everything that this stage started"
  finish "$kill_timeout"
  # What can be left is a ch-run whose container is empty: it ends by itself, or here.
  sleep 0.1
  descend "$$"
  tell KILL
}

# A closed log must not decide a job's result; a handler, since an ignored signal would be inherited by the job.
trap : PIPE
trap 'cancel TERM' TERM
trap 'cancel INT' INT
trap 'cancel HUP' HUP

[[ -z $cut ]] || exit "$system_failure"
# Job control gives COMMAND a process group of its own: a signal to the hook's group reaches this program alone.
set -m
"$@" < /dev/null {log}>&- &
p=$!
{ wait "$p"; } 2> /dev/null
status=$?
if [[ -n $cut ]]; then
  { wait "$p"; } 2> /dev/null
  exit "$system_failure"
fi

# Read at once: what a script adds after its container's ch-run is gone does not count.
result=''
if [[ -r $record ]]; then
  while read -r line; do result=$line; done < "$record"
fi

look
if ((${#tree[@]})); then
  say "ending ${#tree[@]} background process(es) that the script left behind"
  finish 2000
fi
[[ -z $cut ]] || exit "$system_failure"

if [[ ! $result =~ ^v1\ ended\ ([0-9]+)\ (0|1)$ ]]; then
  if [[ $kind == container ]]; then
    if [[ $result == 'v1 started' ]]; then
      say "the container ended (ch-run: status $status) before the script's own exit status was seen"
    else
      say "ch-run could not start the script (status $status): see its message above"
    fi
  elif [[ $result == 'v1 started' ]]; then
    say "the job's shell ended (status $status) before the script's own exit status was seen"
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
((code)) || exit 0
if [[ -n $exit_code_file ]] && ! printf '%s\n' "$code" 2> /dev/null > "$exit_code_file"; then
  rm -f -- "$exit_code_file"
fi
exit "$build_failure"
