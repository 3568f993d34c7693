# Finds processes and tells the time, for programs that run under Bash 4.2. The program around has `keep PID`, which
# takes a living process, and `spare`, one that is left alone.

# now: `clock` becomes the time since boot in hundredths of a second
now() {
  read -r clock _ < /proc/uptime
  # shellcheck disable=SC2034 # for the program around
  clock=$((10#${clock/./}))
}

# alive PID: false for none and for a zombie; one that has threads is a process whose first thread alone has ended.
# `session` becomes its session, `who` the process for sure, whoever gets its number later.
alive() {
  local stat='' pid=$1
  { read -r stat < "/proc/$pid/stat"; } 2> /dev/null
  # shellcheck disable=SC2086 # its fields from the state on; the name before it may hold anything
  set -- ${stat##*) }
  # shellcheck disable=SC2034 # for the program around
  session=${4-} who=$pid/${20-}
  [[ -n ${1-} && "$1 ${18-}" != 'Z 1' ]]
}

# descend PID: adds all descendants of PID to `listed`; the living ones, without `spare`, go to `keep`
descend() {
  local list kids pid
  for list in /proc/"$1"/task/*/children; do
    kids=''
    { read -r kids < "$list"; } 2> /dev/null
    for pid in $kids; do
      listed+="$pid "
      [[ $pid == "$spare" ]] || ! alive "$pid" || keep "$pid"
      descend "$pid"
    done
  done
}
