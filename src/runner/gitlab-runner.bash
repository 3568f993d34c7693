#!/bin/sh
# Stand-in for the `gitlab-runner` binary which cache and artifact scripts call. The real one sends
# archives to a GitLab server, and there is none in a test; this one keeps them as tar files in a
# directory. The directory is named by the `--url` argument (`file://` and an absolute path without
# escapes), because the scripts run in a clean environment in which no variable could name it.
#
#   <store>/calls.log                      one call per line, arguments separated by tabs
#   <store>/artifacts/<job id>.tar         what artifacts-uploader left
#   <store>/cache/<project>/<key>/cache.tar   what cache-archiver left
#
# Like the real binary it refuses flags which it does not know, an upload without files succeeds,
# and a missing artifact or cache archive is an error. It holds files and links only: an empty
# directory is not archived, and a file name must not contain a line break.
#
# It is POSIX sh although it lies next to bash files: it must also run in an image without bash.
set -eu

fail() {
  printf 'ERROR: %s\n' "$1" >&2
  exit 1
}

if [ "${1-}" = --version ]; then
  printf 'Version:      19.4.0\nGit revision: test stand-in\n'
  exit 0
fi

newline='
'
tab=$(printf '\t')
subcommand=${1-}
call=$subcommand
url='' file='' id='' token='' untracked=no paths='' excludes=''

case $subcommand in
  artifacts-uploader | artifacts-downloader | cache-archiver | cache-extractor) shift ;;
  *) fail "no such command: $subcommand" ;;
esac

while [ $# -gt 0 ]; do
  flag=$1
  call="$call$tab$flag"
  shift
  if [ "$flag" = --untracked ]; then
    untracked=yes
    continue
  fi
  [ $# -gt 0 ] || fail "flag needs an argument: $flag"
  call="$call$tab$1"
  case $flag in
    --url) url=$1 ;;
    --file) file=$1 ;;
    --id) id=$1 ;;
    --token) token=$1 ;;
    --path) paths="$paths$1$newline" ;;
    --exclude) excludes="$excludes$1$newline" ;;
    --name | --expire-in | --artifact-format | --artifact-type) ;;
    --timeout | --response-header-timeout | --env-file | --alternate-file) ;;
    *) fail "flag provided but not defined: $flag" ;;
  esac
  shift
done

case $url in
  file:///*) location=${url#file://} ;;
  *) fail "this stand-in takes file:/// URLs only, not $url" ;;
esac
case $subcommand in
  # A cache URL ends in /cache/<project>/<key>.
  cache-*) store=${location%/*/*/*} ;;
  *) store=$location ;;
esac
[ -d "$store" ] || fail "the store $store is not visible here; is it mounted?"
printf '%s\n' "$call" >> "$store/calls.log"

# Prints the files below one pattern. `**/` also stands for "in any directory or none".
matches() {
  pattern=${1%/}
  case $pattern in
    *'**'*)
      find . ! -type d -path "./$(printf %s "$pattern" | sed 's#\*\*/*#*#g')" | sed 's#^\./##'
      ;;
    *)
      for match in $pattern; do
        if [ -e "$match" ] || [ -L "$match" ]; then
          find "$match" ! -type d
        fi
      done
      ;;
  esac
}

excluded() {
  for pattern in $excludes; do
    # The pattern must stay unquoted to work as one.
    # shellcheck disable=SC2254
    case $1 in
      $pattern | ${pattern%/}/*) return 0 ;;
    esac
  done
  return 1
}

# Writes the names of all files that go into an archive to the file named by $1.
collect() {
  old_ifs=$IFS
  IFS=$newline
  : > "$1.all"
  set -f
  # shellcheck disable=SC2086 # split at line breaks, not expanded yet
  set -- "$1" $paths
  set +f
  list=$1
  shift
  for path in "$@"; do
    found=$(matches "$path")
    if [ -z "$found" ]; then
      printf 'WARNING: %s: no matching files. Is the path relative to the project directory?\n' "$path"
    else
      printf '%s\n' "$found" >> "$list.all"
      printf '%s: found %s matching artifact files\n' "$path" "$(printf '%s\n' "$found" | wc -l)"
    fi
  done
  if [ "$untracked" = yes ]; then
    git ls-files --others >> "$list.all"
  fi
  set -f
  sort -u "$list.all" | while IFS= read -r name; do
    excluded "$name" || printf '%s\n' "$name"
  done > "$list"
  set +f
  rm -f "$list.all"
  IFS=$old_ifs
}

# Packs the collected files as $1, in one step for anyone who looks at that name.
pack() {
  list="$1.list.$$"
  collect "$list"
  if [ ! -s "$list" ]; then
    rm -f "$list"
    return 1
  fi
  old_ifs=$IFS
  IFS=$newline
  set -f
  # As arguments, because busybox tar reads no list of names.
  # shellcheck disable=SC2046
  tar -cf "$1.part.$$" -- $(cat "$list") || fail "tar failed"
  set +f
  IFS=$old_ifs
  rm -f "$list"
  chmod 0644 "$1.part.$$"
  mv -f "$1.part.$$" "$1"
}

case $subcommand in
  artifacts-uploader)
    if pack "$store/artifacts/$id.tar"; then
      printf 'Uploading artifacts as "archive" to coordinator... 201 Created  id=%s token=%.8s\n' \
        "$id" "$token"
    else
      printf 'ERROR: No files to upload\n'
    fi
    ;;
  artifacts-downloader)
    archive="$store/artifacts/$id.tar"
    [ -f "$archive" ] || fail "Downloading artifacts from coordinator... not found  id=$id"
    tar -xof "$archive"
    printf 'Downloading artifacts from coordinator... ok  id=%s token=%.8s\n' "$id" "$token"
    ;;
  cache-archiver)
    mkdir -p "$(dirname "$file")" "$location"
    pack "$file" || fail 'no files to cache'
    cp "$file" "$location/cache.tar"
    ;;
  cache-extractor)
    if [ -f "$location/cache.tar" ]; then
      mkdir -p "$(dirname "$file")"
      cp "$location/cache.tar" "$file"
    fi
    [ -f "$file" ] || fail "no such cache archive: $file"
    tar -xof "$file"
    ;;
esac
