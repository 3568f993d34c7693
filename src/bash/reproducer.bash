# Runs a job's script again, by hand. The lines above set the words and lists that it takes, `give_variables`, which asks
# for what the job had and this file must not hold, and `write_files`.
# shellcheck disable=SC2317 # `give_variables` calls what it needs

note() { printf '%s\n' "$1" >&2; }
fail() {
  note "${0##*/}: $1"
  exit 125
}

# ask NAME: a secret, from the environment or typed in, for the script alone
ask() {
  local answer=''
  if [[ -n ${!1-} ]]; then
    answer=${!1}
    note "$1: taken from your environment"
  else
    read -r -s -p "$1: " answer || answer=''
    [[ ! -t 0 ]] || note ''
  fi
  printf '%s\n' "$answer" > "$work/secret.$1"
}

# ask_file NAME: a copy of a file, whose path is in the environment or typed in
ask_file() {
  local path=''
  if [[ -f ${!1-} ]]; then
    path=${!1}
    note "$1: $path, taken from your environment"
  else
    read -r -p "$1 (path of a file): " path || path=''
  fi
  if [[ -z $path ]]; then
    : > "$work/file.$1"
  else
    command -p cat -- "$path" > "$work/file.$1" || fail "cannot read $path for $1"
  fi
}

# launch: becomes `command`, with `environment` alone; without children, whose end ch-run would take for its container's
launch() {
  local name
  set -- "${command[@]}"
  for name in $(compgen -e); do export -n "${name?}"; done
  while read -r _ _ name; do export -nf -- "${name?}"; done <<< "$(declare -Fx)"
  export "${environment[@]?}"
  exec "$@" < /dev/null
}

# follow: waits for the end of the batch job, shows its output, gives the script's status
follow() {
  local marker=$work/batch/result word='' code=''
  note "waiting for the batch job; Ctrl-C ends the waiting only, and takes away what the job needs to start"
  command -p tail -n +1 -F "$work/batch/output" 2> /dev/null &
  follower=$!
  while [[ ! -s $marker ]]; do command -p sleep 0.5; done
  command -p sleep 1
  kill "$follower"
  wait "$follower" 2> /dev/null
  follower=''
  read -r _ _ _ _ word code < "$marker"
  [[ $word == exited ]] || fail "the script did not end by itself ($word)"
  return "$code"
}

# shellcheck disable=SC2317 # the trap below calls it
finish() {
  [[ -z $follower ]] || kill "$follower"
  command -p rm -rf -- "$work"
  [[ -z $made ]] || command -p rm -rf -- "$made"
}

if [[ ${1-} != --force ]]; then
  for path in "${claims[@]}"; do
    [[ ! -e $path ]] || fail "a running job uses $project: wait for its end, or use --force ($path)"
  done
fi
cd -- "$builds" || exit 125
[[ -d $project ]] || fail "$project is gone: fetch the project there again"
[[ -z $image || -e $image ]] || fail "the image is gone from the cache ($image): run the CI job again"
if [[ -n $commit ]] && at=$(command git -C "$project" rev-parse HEAD 2> /dev/null) && [[ $at != "$commit" ]]; then
  note "$project is at $at; the job was at $commit"
fi
made='' follower=''
[[ -e $scripts ]] || made=$scripts
command -p mkdir -p -- "$scripts" "${directories[@]}" || exit 125
command -p mkdir -- "$work" || fail "another run of this script is under way; if there is none, remove $work"
trap finish EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP
for path in ${files[@]+"${files[@]}"}; do : > "$path"; done
give_variables
write_files
if [[ $batch == 1 ]]; then
  printf '%s\0' "${inside[@]}" > "$work/batch/environment"
  (launch) || fail "the batch job was not submitted"
  follow
else
  (launch)
fi
exit "$?"
