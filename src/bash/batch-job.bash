# Runs a job's script on the node that a batch scheduler chose. Nothing of the driver is there: this program alone sees
# the script's end, tells it in MARKER and leaves nothing alive. Works with Bash 4.2. The lines above set:
#   kind         host: `command` is a login shell; container: it is ch-run, which must not be signalled while anything
#                runs in its image (a SquashFS root would vanish under the script)
#   command      with its arguments, up to and with the entry program
#   directory    where it is started
#   environment  a file with NAME=VALUE, a NUL after each, for `command`; or empty
#   mask         its umask, or empty for the scheduler's
#   record       where the entry program writes `v1 started` and then `v1 ended STATUS CUT`
#   marker       becomes `v1 ID RESTARTS NONCE WORD STATUS`, WORD being exited, cut or none
#   started      gets a line for each start of this program
#   nonce        tells this job's files, and its processes, from others
#   grace        milliseconds between TERM and KILL
#   output       a file for all output, or empty for the scheduler's
#   plain_exit   1: end with 0 or 1 only
#   id_names, restart_name   variables of the scheduler
# What the script starts is found by the process tree, its session, a variable in its environment, its container's mount
# namespace, and for having been seen before. What gets rid of all of them stays for the scheduler.
set -u
# Until the command has been started, a signal is only noted.
cut=''
# on_signals COMMAND: runs it, with the name of the signal at its end
on_signals() {
  local name
  # shellcheck disable=SC2064 # names are put in now
  for name in TERM INT HUP USR1 USR2 ALRM XCPU; do trap "$1$name" "$name"; done
}
on_signals cut=
# A closed log must not decide a job's result; a handler, since an ignored signal would be inherited by the job.
trap : PIPE

[[ -n $mask ]] || mask=$(umask)
umask 077
p='' ending='' spare='' ns='' tree='' listed='' told=' ' known=' '
tag=JACAMAR_CI_BATCH_JOB=$nonce

id='' id_name=''
for id_name in $id_names; do
  id=${!id_name-}
  [[ -z $id ]] || break
done
restarts=0
[[ -z $restart_name || ! ${!restart_name-} =~ ^[0-9]+$ ]] || restarts=${!restart_name}
# With it, `srun` would pass nothing on to the steps of the job.
unset SLURM_EXPORT_ENV

[[ -z $output ]] || ! { : >> "$output"; } || exec >> "$output" 2>&1
# Traps run inside the redirection of the `wait` that they interrupt, so messages have a descriptor of their own.
exec {log}>&2
say() { printf 'jacamar: %s\n' "$1" >&"$log"; }

# leave WORD STATUS: tells the end and ends
leave() {
  # From here on nothing that comes counts, and the programs below are not cut short.
  trap '' TERM INT HUP USR1 USR2 ALRM XCPU
  status=$2
  local line="v1 ${id:--} $restarts $nonce $1 $status" temporary=$marker.$$.tmp
  # Only `dd` can wait for the disk without waiting for all disks.
  printf '%s\n' "$line" | command -p dd of="$temporary" conv=fsync 2> /dev/null ||
    { printf '%s\n' "$line" > "$temporary"; } 2> /dev/null || command -p rm -f -- "$temporary"
  command -p mv -f -- "$temporary" "$marker" 2> /dev/null ||
    say "cannot write the job's result to $marker: is the disk full, or the directory read-only?"
  ((plain_exit == 0 || status == 0)) || status=1
  exit "$status"
}

node=''
{ read -r node < /proc/sys/kernel/hostname; } 2> /dev/null
# Nobody may run a job's script twice. The first start tells the result.
if [[ -s $started ]]; then
  say "the scheduler started this job again; the script is not run a second time"
  printf '%s %s %s %s\n' "$nonce" "${id:--}" "$restarts" "$node" >> "$started"
  exit "$((plain_exit ? 1 : 125))"
fi
printf '%s %s %s %s\n' "$nonce" "${id:--}" "$restarts" "$node" >> "$started" || leave none 125
cd -- "$directory" || leave none 125
[[ -z $environment || -r $environment ]] || leave none 125
[[ ! -e $record ]] || command -p rm -f -- "$record"

# A pipe in which nothing ever comes, to wait at without a process: the user may have no more of them.
exec {never}<> <(:)
pause() { read -r -t "${1-0.05}" -u "$never" || return 0; }

source processes.bash

keep() {
  tree+="$1 "
  [[ $known == *" $who "* ]] || known+="$who "
}

# tagged PID: whether it was started with this job's tag, and not by another job that this one submitted
tagged() {
  local LC_ALL=C text='' other=1
  # All at once is cheaper; NUL bytes are dropped.
  read -r -N 4000000 text < "/proc/$1/environ"
  [[ $text == *"$tag"* ]] || return 1
  while IFS= read -r -d '' text; do
    [[ $text != "$tag" ]] || other=0
    [[ -z $id || $text != "$id_name="* || $text == "$id_name=$id" ]] || return 1
  done < "/proc/$1/environ"
  return "$other"
} 2> /dev/null

# strayed PID: whether it belongs to this job
strayed() {
  [[ $session == "$p" || $known == *" $who "* || -n $ns && /proc/$$/fd/$ns -ef /proc/$1/ns/mnt ]] || tagged "$1"
}

# search: adds to `tree` what is not below this process any more, and all that is below that
search() {
  local path pid
  for path in /proc/[0-9]*; do
    pid=${path#/proc/}
    if [[ -O $path && " $$ $spare $listed" != *" $pid "* ]] && alive "$pid" && strayed "$pid"; then
      keep "$pid"
      descend "$pid"
    fi
  done
}

# look: `tree` becomes everything that is left of the job; false when that is nothing for sure: what a process starts
# that ends in the middle of a look is not seen by it, but then the next look lists other processes
look() {
  local before=$listed
  tree='' listed=''
  descend "$$"
  search
  [[ -n $tree || $listed != "$before" ]]
}

# tell SIGNAL: to each process in `tree`, TERM only once
tell() {
  local pid
  for pid in $tree; do
    [[ $1 == TERM && $told == *" $pid "* ]] || kill "-$1" "$pid" 2> /dev/null
    told+="$pid "
  done
}

# finish TIME: TERM to all that is left, from TIME on KILL; returns when nothing is left, or soon two seconds after TIME
finish() {
  while look; do
    now
    if ((clock < $1)); then tell TERM; else tell KILL; fi
    ((clock < $1 + 200)) || break
    pause
  done
}

# cancel SIGNAL: ends everything of the job, and this program: a `read` that a trap interrupts has lost its time limit
cancel() {
  [[ -z $ending ]] || return 0
  ending=$1
  say "cut short by SIG$1: ending everything that the script started"
  # An entry program that still waits does not start the script.
  exec {gate}>&-
  now
  local limit=$((clock + grace / 10))
  finish "$limit"
  # What can be left is a ch-run. It ends by itself with its container, or when its entry program finds the end of the
  # pipe; one that is killed while it starts can leave a process that nothing can kill.
  while ((clock < limit)) && [[ -n $spare ]] && alive "$spare"; do
    pause
    finish "$limit"
    now
  done
  spare=''
  finish "$limit"
  leave cut 143
}

# launch: becomes the command
launch() {
  # Without job control Bash lets what it starts in the background ignore these.
  trap - INT QUIT
  umask "$mask"
  set -- "${own_session[@]+"${own_session[@]}"}" "${command[@]}"
  export "${tag?}"
  unset -v command own_session
  while IFS= read -r -d ''; do
    [[ ! $REPLY =~ ^[A-Za-z_][A-Za-z_0-9]*= ]] || export "${REPLY?}"
  done 2> /dev/null < "${environment:-/dev/null}"
  exec "$@"
}

# In a session of its own ch-run is spared by schedulers that signal the session or the group of their job's process.
own_session=()
for path in /usr/bin/setsid /bin/setsid; do
  [[ ! -x $path ]] || own_session=("$path")
done
[[ -z $cut ]] || leave cut 143
# The entry program in a container waits at this pipe; its end, when this program is gone, is no start either.
exec {gate}<> <(:)
stdin=/dev/null
[[ $kind == host ]] || stdin=/proc/self/fd/$gate
((${#own_session[@]})) || set -m
launch < "$stdin" {gate}>&- {log}>&- {never}>&- &
p=$!
set +m
[[ $kind == host ]] || spare=$p
on_signals 'cancel '
[[ -z $cut ]] || cancel "$cut"

if [[ $kind == container ]]; then
  while [[ ! -s $record ]] && kill -0 "$p" 2> /dev/null; do pause 0.01; done
  # The youngest below ch-run is the entry program, which has started nothing yet.
  listed=''
  descend "$p"
  # shellcheck disable=SC2086 # one word a process
  set -- "$p" $listed
  if [[ ! /proc/$$/ns/mnt -ef /proc/${!#}/ns/mnt ]] && { exec {inside}< "/proc/${!#}/ns/mnt"; } 2> /dev/null; then
    ns=$inside
  fi
  printf 'go\n' >&"$gate"
fi
exec {gate}>&-


source ending.bash

# Strict: what is garbage must not become a number.
if [[ ! $result =~ ^v1\ ended\ (0|[1-9][0-9]{0,2})\ (0|1)$ ]] || ((BASH_REMATCH[1] > 255)); then
  if [[ $result == 'v1 started' ]]; then
    say "the script's shell or container ended (status $status) before the script's own exit status was seen"
  elif [[ -e $record ]]; then
    say "the script's exit status cannot be read from $record: is the disk full?"
  elif [[ $kind == container ]]; then
    say "ch-run could not start the script (status $status): see its message above"
  else
    say "the login shell ended with status $status before it reached the script: look for exit, exec or an error in the shell's profile files"
  fi
  leave none 125
fi
code=${BASH_REMATCH[1]}
if [[ ${BASH_REMATCH[2]} == 1 ]]; then
  say "the script was cut short by a signal from outside; its status $code does not count"
  leave cut 143
fi
if [[ $kind == container && $code != "$status" ]]; then
  say "the script recorded status $code but ch-run ended with $status: the container was cut short"
  leave cut 143
fi
leave exited "$code"
