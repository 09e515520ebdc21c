#!/usr/bin/env bash
# Runs Kafka, a Redis Cluster, Flink and the job on this machine. --help tells how.
# Needs a JDK from 17 on, Maven and bash; builds what is missing or older than its sources.
set -euo pipefail

fail() {
  printf 'failed: %s\n' "$1" >&2
  exit 1
}

root=$(cd -- "$(dirname -- "$(readlink -f -- "${BASH_SOURCE[0]}" 2>/dev/null || printf %s "${BASH_SOURCE[0]}")")/.." && pwd)
target=$root/deploy/local/target
built=$target/built

if [[ -n ${JAVA_HOME:-} && -x $JAVA_HOME/bin/java ]]; then
  java=$JAVA_HOME/bin/java
else
  java=$(command -v java) || fail 'there is no java; install a JDK from 17 on, or set JAVA_HOME'
fi
# `java.specification.version` is 17, 21, ... and 1.8 for what is too old.
version=$("$java" -XshowSettings:properties -version 2>&1 | sed -n 's/^ *java.specification.version = //p')
[[ ${version%%.*} -ge 17 ]] || fail "$java is version $version; a JDK from 17 on is needed"

build() {
  command -v mvn >/dev/null || fail 'there is no mvn; install Maven'
  printf 'building, which takes a minute the first time ...\n' >&2
  # Dated before the build, so that what is edited meanwhile is built next time.
  touch "$built.begun"
  (cd "$root" && mvn -B -q -DskipTests package -pl deploy/local -am) >&2 ||
    fail 'the build failed; its messages are above'
  mv "$built.begun" "$built"
}

# Directories are compared too, so that a deleted source counts.
stale() {
  [[ -e $built && -e $target/job/spanfold-job.jar && -e $target/job/reference-jobs.jar ]] || return 0
  local sources=("$root/pom.xml" "$root/job/pom.xml" "$root/job/src/main"
    "$root/deploy/embedded/pom.xml" "$root/deploy/embedded/src/main"
    "$root/deploy/reference-jobs/pom.xml" "$root/deploy/reference-jobs/src/main"
    "$root/deploy/local/pom.xml" "$root/deploy/local/src/main")
  [[ -d $root/lua ]] && sources+=("$root/lua")
  [[ -n $(find "${sources[@]}" -newer "$built" -print 2>/dev/null | head -n 1) ]]
}

if stale; then
  mkdir -p "$target"
  # A second run waits for the first one's build; a lock whose owner is gone is taken over.
  lock=$target/building
  until (set -o noclobber && echo $$ >"$lock") 2>/dev/null; do
    owner=$(cat "$lock" 2>/dev/null || true)
    if [[ -n $owner ]] && ! kill -0 "$owner" 2>/dev/null; then
      rm -f "$lock"
    else
      sleep 1
    fi
  done
  trap 'rm -f "$lock"' EXIT
  if stale; then
    build
  fi
  rm -f "$lock"
  trap - EXIT
fi

terminal=false
if [[ -t 1 ]]; then
  terminal=true
fi
opens=()
for package in lang net io nio time util util.concurrent util.concurrent.atomic util.concurrent.locks; do
  opens+=("--add-opens=java.base/java.$package=ALL-UNNAMED")
done

# All that the run unpacks and writes; named after this process, which Java takes over.
run=$(mktemp -d "${TMPDIR:-/tmp}/spanfold-local-$$-XXXXXX") ||
  fail "cannot make a directory in ${TMPDIR:-/tmp}; is there room?"

# The same process goes on as Java: signals reach it, and its exit code is this command's.
exec "$java" -Xmx"${SPANFOLD_HEAP:-2g}" -XX:+UseParallelGC -XX:-UsePerfData "${opens[@]}" \
  -Dspanfold.job.jar="$target/job/spanfold-job.jar" -Dspanfold.terminal=$terminal \
  -Djava.io.tmpdir="$run" -Dspanfold.run.directory="$run" -Dspanfold.repository="$root" \
  -cp "$target/classes:$target/lib/*" io.spanfold.local.Main "$@"
