# Waits for the process `p` and its `status`, then reads its record into `result` and ends what it left behind.
# shellcheck disable=SC2034 # read by the program around

while :; do
  { wait "$p"; } 2> /dev/null
  status=$?
  # A trapped signal ends `wait` early.
  kill -0 "$p" 2> /dev/null || break
  pause
done
# Had a signal come together with the end, this would not be the command's status yet.
{ wait "$p"; } 2> /dev/null
again=$?
((again < 0 || again == 127)) || status=$again
spare=''

# Read at once: what a script adds after its container's ch-run is gone does not count.
result=''
if [[ -f $record && -r $record ]]; then
  while read -r line; do result=$line; done < "$record"
fi

# What only has to write its last words, like a `tee`, ends by itself.
for _ in 1 2 3 4; do
  look || break
  pause
done
if look; then
  # shellcheck disable=SC2086 # one word a process
  set -- $tree
  (($# == 0)) || say "ending $# background process(es) that the script left behind"
  now
  finish $((clock + 180))
fi
