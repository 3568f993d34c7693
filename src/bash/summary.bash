# Tells in a summary how the user's script ended, before supervise.bash notes the end. The lines above set:
#   section   1: a section of the job log that GitLab shows folded
#   figures   the lines that were known before
now
began=$clock

# shellcheck disable=SC2317 # the trap below calls it
summarize() {
  local left=$? end=$said took=''
  now
  took="$(((clock - began) / 100)).$(((clock - began) % 100 / 10)) s"
  case $left in
    0) end='exit status 0' ;;
    "$build_failure") end="exit status $code" ;;
  esac
  ((section == 0)) || printf 'section_start:%(%s)T:jacamar_summary[collapsed=true]\r\e[0K' -1
  printf 'Job summary: %s after %s\n' "$end" "$took"
  printf '  %s\n' "${figures[@]}" "Run:          $took" "End:          $end"
  ((section == 0)) || printf 'section_end:%(%s)T:jacamar_summary\r\e[0K\n' -1
} 2> /dev/null
trap 'summarize; note' EXIT

