#!/usr/bin/env bash
# Runs Kafka, a Redis Cluster, Flink and the job on this machine; see --help.
# Needs a JDK 17 or newer and bash. Builds whatever is missing or older than its sources.
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
  java=$(command -v java) || fail 'java is missing; install a JDK 17 or newer, or set JAVA_HOME'
fi
# `java.specification.version` is 17, 21, ..., or 1.8 for Java 8.
version=$("$java" -XshowSettings:properties -version 2>&1 | sed -n 's/^ *java.specification.version = //p')
[[ ${version%%.*} -ge 17 ]] || fail "$java is version $version; a JDK 17 or newer is needed"

build() {
  printf 'building, which takes a minute the first time ...\n' >&2
  # Dated before the build: sources that change during the build are built the next time.
  touch "$built.begun"
  (cd "$root" && ./mvnw -B -q -DskipTests package -pl deploy/local -am) >&2 ||
    fail 'the build failed; its messages are above'
  mv "$built.begun" "$built"
}

# Compares directories too: a deleted source changes its directory.
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
  # A second run waits for the build of the first. It removes the lock of a process that is gone.
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

# Everything that the run writes. The name contains this process's id, which Java keeps.
run=$(mktemp -d "${TMPDIR:-/tmp}/spanfold-local-$$-XXXXXX") ||
  fail "cannot create a directory in ${TMPDIR:-/tmp}; is the disk full?"

# The locale is that of no machine: in some, such as the Turkish one, Kafka's connector does not start.
# Java replaces this shell: it receives the signals, and its exit code is the script's.
exec "$java" -Xmx"${SPANFOLD_HEAP:-2g}" -XX:+UseParallelGC -XX:-UsePerfData "${opens[@]}" \
  -Duser.language=en -Duser.country=US \
  -Dspanfold.job.jar="$target/job/spanfold-job.jar" -Dspanfold.terminal=$terminal \
  -Djava.io.tmpdir="$run" -Dspanfold.run.directory="$run" -Dspanfold.repository="$root" \
  -cp "$target/classes:$target/lib/*" io.spanfold.local.Main "$@"
