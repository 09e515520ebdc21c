#!/usr/bin/env bash
# Moves a running job to another rollout phase, jar, parallelism or option, by savepoint, through
# the REST interface of its Flink session cluster. See --help.
# Needs bash 4.4 or newer, curl, and awk, sed, grep -o and od as every Unix has them.
set -euo pipefail

usage() {
  cat <<'END'
upgrade.sh REST JOB PHASE [options]
upgrade.sh REST JOB --back [options]

  REST   address of the cluster's REST interface, such as http://jobmanager:8081
  JOB    id of the job that runs now
  PHASE  merged, dual-write, dual-read or distributed

Stops the job with a savepoint, starts it from there, and waits until it runs and has completed a
checkpoint. Keeps all options of the job except those given here.

  --jar FILE|ID          another jar: a file, or the id of one that was uploaded
  --parallelism N        another parallelism
  --set NAME=VALUE       another value for an option of the job; may be repeated
  --options FILE         the same for a file's lines NAME: VALUE; for secrets, and for a job of a
                         release that did not show its options
  --flink NAME=VALUE     a Flink option that the job is submitted with; may be repeated
  --savepoint-dir URI    where the savepoint goes; the cluster's own directory without it
  --savepoint PATH       starts from this savepoint; the job must have ended
  --back                 goes back to the jar, options and parallelism that JOB was moved from
  --records DIR          where moves are recorded (SPANFOLD_RECORDS, or ~/.spanfold/rollout)
  --timeout SECONDS      for the savepoint, and again for the start (300)
  --dry-run              prints what would be done, and changes nothing
  --help

Exits with 0 if the job runs in its new form; 1 if it does not, with the next command to run; and 2
if the arguments are wrong. Secrets are neither shown nor recorded.
END
}

main_class=io.spanfold.SpanfoldJob

say() { printf '%s\n' "$*"; }
complain() { printf '%s\n' "$*" >&2; }
fail() {
  complain "failed: $1"
  shift
  local line
  for line in "$@"; do complain "  $line"; done
  exit 1
}
wrong() {
  complain "$1"
  complain 'upgrade.sh --help lists the arguments'
  exit 2
}

# --- JSON ---------------------------------------------------------------------------------------

# Turns JSON into lines of path, tab, value, as in "jobs/0/id<tab>6f0c". In values, a line break is
# \001 and a tab \002. Strings of JSON hold no line breaks, so each token is a line of its own.
flatten() {
  LC_ALL=C grep -oE '"([^"\\]|\\.)*"|[][{}:,]|[^][{}:,"[:space:]]+' | LC_ALL=C awk '
    function hex(digits,    i, n) {
      for (i = 1; i <= 4; i++) n = n * 16 + index("0123456789abcdef", tolower(substr(digits, i, 1))) - 1
      return n
    }
    function utf8(n) {
      if (n < 128) return sprintf("%c", n)
      if (n < 2048) return sprintf("%c%c", 192 + int(n / 64), 128 + n % 64)
      return sprintf("%c%c%c", 224 + int(n / 4096), 128 + int(n / 64) % 64, 128 + n % 64)
    }
    function plain(token,    out, at, c) {
      if (substr(token, 1, 1) != "\"") return token
      token = substr(token, 2, length(token) - 2)
      out = ""
      while ((at = index(token, "\\")) > 0) {
        out = out substr(token, 1, at - 1)
        c = substr(token, at + 1, 1)
        token = substr(token, at + 2)
        if (c == "n" || c == "r") out = out "\001"
        else if (c == "t") out = out "\002"
        else if (c == "u") { out = out utf8(hex(token)); token = substr(token, 5) }
        else if (c != "b" && c != "f") out = out c
      }
      return out token
    }
    function path(    i, p) {
      p = name[1]
      for (i = 2; i <= depth; i++) p = p "/" name[i]
      return p
    }
    $0 == "{" || $0 == "[" { kind[++depth] = $0; name[depth] = 0; named[depth] = ($0 == "["); next }
    $0 == "}" || $0 == "]" { depth--; next }
    $0 == ":" { named[depth] = 1; next }
    $0 == "," { if (kind[depth] == "[") name[depth]++; else named[depth] = 0; next }
    !named[depth] { name[depth] = plain($0); next }
    { print path() "\t" plain($0) }'
}

# The value at a path of the last answer; empty if there is none.
value() {
  wanted=$1 LC_ALL=C awk 'index($0, ENVIRON["wanted"] "\t") == 1 {
    print substr($0, length(ENVIRON["wanted"]) + 2); exit }' <<<"$answer"
}

# A string of JSON.
quoted() {
  local text=$1
  text=${text//\\/\\\\}
  text=${text//\"/\\\"}
  text=${text//$'\t'/\\t}
  printf '"%s"' "$text"
}

# --- Flink --------------------------------------------------------------------------------------

answer='' problem='' now='' completed=''
# call METHOD PATH [curl arguments]: writes the answer to $answer; false if it is no success.
call() {
  local method=$1 path=$2 text
  shift 2
  answer=
  if ! text=$(curl --silent --show-error --max-time 120 --request "$method" \
    --write-out '\n%{http_code}' "$@" "$rest$path" 2>&1); then
    problem="$rest does not answer: ${text%%$'\n'*}"
    return 1
  fi
  local status=${text##*$'\n'}
  answer=$(flatten <<<"${text%$'\n'*}") || true
  if [[ $status == 2?? ]]; then
    return 0
  fi
  problem=$(root_cause "$(grep '^errors/' <<<"$answer" | tail -n 1 | cut -f 2-)")
  problem=${problem:-"$rest answered $status"}
  return 1
}

# The body goes through standard input: any user of the machine can read arguments.
post() { call POST "$1" --header 'Content-Type: application/json' --data-binary @- <<<"$2"; }

# The text after the last "Caused by:" of a stack trace, without the stack frames.
root_cause() {
  local text=${1##*Caused by: }
  text=${text//$'\001'$'\002'at /$'\003'}
  text=${text%%$'\003'*}
  text=${text//$'\002'/ }
  printf '%s' "${text//$'\001'/ }"
}

random_id() { od -An -N16 -tx1 /dev/urandom | tr -d ' \n'; }

# Sets $now; if Flink does not report the state, sets it to the empty string and returns false.
ask_state() {
  now=''
  call GET "/jobs/$1" || return 1
  now=$(value state)
}

# Whether all tasks run, by the answer to ask_state.
all_tasks_run() { ! grep '^vertices/[0-9]*/status	' <<<"$answer" | grep -qv 'RUNNING$'; }

is_over() { [[ $1 == FINISHED || $1 == CANCELED || $1 == FAILED ]]; }

# Sets $completed, and leaves Flink's statistics of checkpoints in the answer.
ask_checkpoints() {
  completed=''
  call GET "/jobs/$1/checkpoints" || return 1
  completed=$(value counts/completed)
}

last_failure() {
  call GET "/jobs/$1/exceptions" || return 0
  root_cause "$(value exceptionHistory/entries/0/stacktrace)"
}

# Whether a jar of this id is on the cluster.
has_jar() {
  call GET /jars || fail "$problem"
  grep -q "^files/[0-9]*/id	$1\$" <<<"$answer"
}

# Sets $jar to the id that the cluster assigns.
upload() {
  call POST /jars/upload --form "jarfile=@$1;type=application/x-java-archive" ||
    fail "the jar $1 was not accepted: $problem" 'nothing was changed'
  jar=$(value filename)
  jar=${jar##*/}
}

# --- the job's options --------------------------------------------------------------------------

# Flink masks the values of these options; this script neither shows nor records them.
is_secret() {
  local name=${1,,}
  [[ $name != *.file && $name != *.location ]] &&
    [[ $name =~ password|secret|token|jaas|api-?key|auth|credential|keystore\.key ]]
}

shown() { if is_secret "$1"; then printf '******'; else printf '%s' "$2"; fi; }

declare -A options=() changes=() flink_options=()

check_value() {
  [[ $2 != *[[:cntrl:]]* ]] || fail "the value of $1 has line breaks or control characters" \
    'put it into a file that an option of the job names'
}

# Takes lines NAME: VALUE or NAME = VALUE, as the job's own --config does.
read_options_file() {
  [[ -r $1 ]] || fail "the file $1 given as --options cannot be read"
  local line name number=0
  while IFS= read -r line || [[ -n $line ]]; do
    number=$((number + 1))
    [[ $line =~ ^[[:space:]]*(#.*)?$ ]] && continue
    # The line is not shown: it may be a secret.
    [[ $line =~ ^[[:space:]]*([^[:space:]:=]+)[[:space:]]*[:=][[:space:]]*(.*[^[:space:]]|)[[:space:]]*$ ]] ||
      fail "line $number of $1 is no option; write NAME: VALUE"
    name=${BASH_REMATCH[1]}
    line=${BASH_REMATCH[2]}
    if [[ ${#line} -ge 2 && ($line == \"*\" || $line == \'*\') ]]; then
      line=${line:1:${#line}-2}
    fi
    check_value "$name" "$line"
    changes[$name]=$line
  done <"$1"
}

read_assignment() {
  [[ $2 == ?*=* ]] || wrong "$1 is followed by NAME=VALUE"
  check_value "${2%%=*}" "${2#*=}"
}

# Reads the options that the job shows into $options, and the names of masked ones into $masked.
masked=()
read_shown_options() {
  call GET "/jobs/$1/config" || return 1
  local line name
  while IFS= read -r line; do
    [[ $line == execution-config/user-config/* ]] || continue
    line=${line#execution-config/user-config/}
    name=${line%%$'\t'*}
    if [[ ${line#*$'\t'} == '******' ]]; then
      masked+=("$name")
    else
      options[$name]=${line#*$'\t'}
    fi
  done <<<"$answer"
  former_parallelism=$(value execution-config/job-parallelism)
}

# --- records ------------------------------------------------------------------------------------

declare -A record=()
read_record() {
  record=()
  [[ -r $records/$1.record ]] || return 0
  local line
  while IFS= read -r line; do
    record[${line%%=*}]=${line#*=}
  done <"$records/$1.record"
}

# Takes the options of one side of the record: from or to.
options_of_record() {
  local key
  for key in "${!record[@]}"; do
    case $key in
      "$1".option.*) options[${key#"$1".option.}]=${record[$key]} ;;
      "$1".masked.*) masked+=("${key#"$1".masked.}") ;;
    esac
  done
}

write_side() {
  local side=$1 name
  local -n of=$2
  for name in "${!of[@]}"; do
    if is_secret "$name"; then
      printf '%s.masked.%s=\n' "$side" "$name"
    else
      printf '%s.option.%s=%s\n' "$side" "$name" "${of[$name]}"
    fi
  done | sort
}

# Records the origin of the new job. Its outcome: stopped, submitted or running.
write_record() {
  local file=$records/$new_job.record
  mkdir -p "$records"
  {
    printf 'at=%s\nrest=%s\noutcome=%s\nsavepoint=%s\n' \
      "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$rest" "$1" "$savepoint"
    printf 'from.job=%s\nfrom.phase=%s\nfrom.jar=%s\nfrom.jar-file=%s\nfrom.parallelism=%s\n' \
      "$job" "$former_phase" "$former_jar" "$former_jar_file" "$former_parallelism"
    write_side from former_options
    printf 'to.job=%s\nto.phase=%s\nto.jar=%s\nto.jar-file=%s\nto.parallelism=%s\n' \
      "$new_job" "$phase" "$jar" "$jar_file" "$parallelism"
    write_side to options
  } >"$file.new"
  mv "$file.new" "$file"
}

# --- arguments ----------------------------------------------------------------------------------

[[ ${BASH_VERSINFO[0]} -gt 4 || (${BASH_VERSINFO[0]} -eq 4 && ${BASH_VERSINFO[1]} -ge 4) ]] ||
  fail "this is bash $BASH_VERSION; 4.4 or newer is needed"
for tool in curl awk sed grep od sort; do
  command -v "$tool" >/dev/null || fail "there is no $tool on this machine; install it"
done

given=()
jar_given='' parallelism_given='' savepoint_dir='' savepoint_given='' back=false dry_run=false
timeout=300 records=${SPANFOLD_RECORDS:-${HOME:-.}/.spanfold/rollout}
declare -A sets=()
while [[ $# -gt 0 ]]; do
  argument=$1
  shift
  case $argument in
    --help | -h)
      usage
      exit 0
      ;;
    --back)
      back=true
      continue
      ;;
    --dry-run)
      dry_run=true
      continue
      ;;
    --*=*)
      set -- "${argument#*=}" "$@"
      argument=${argument%%=*}
      ;;
    --*) ;;
    *)
      given+=("$argument")
      continue
      ;;
  esac
  [[ $argument =~ ^--(jar|parallelism|set|options|flink|savepoint-dir|savepoint|records|timeout)$ ]] ||
    wrong "there is no option $argument"
  [[ $# -gt 0 ]] || wrong "$argument needs a value"
  case $argument in
    --jar) jar_given=$1 ;;
    --parallelism) parallelism_given=$1 ;;
    --set) read_assignment --set "$1" && sets[${1%%=*}]=${1#*=} ;;
    --options) read_options_file "$1" ;;
    --flink) read_assignment --flink "$1" && flink_options[${1%%=*}]=${1#*=} ;;
    --savepoint-dir) savepoint_dir=$1 ;;
    --savepoint) savepoint_given=$1 ;;
    --records) records=$1 ;;
    --timeout) timeout=$1 ;;
  esac
  shift
done
for name in "${!sets[@]}"; do changes[$name]=${sets[$name]}; done

[[ ${#given[@]} -ge 2 ]] || wrong 'REST and JOB must be given'
rest=${given[0]%/} job=${given[1]} phase=${given[2]:-}
[[ $rest == http://* || $rest == https://* ]] || rest=http://$rest
[[ $job =~ ^[0-9a-f]{32}$ ]] || wrong "$job is no job id; it has 32 hexadecimal digits"
[[ ${#given[@]} -le 3 ]] || wrong "there is no argument ${given[3]}"
if [[ $back == true ]]; then
  [[ -z $phase ]] || wrong '--back takes the former phase: leave PHASE out'
else
  [[ $phase =~ ^(merged|dual-write|dual-read|distributed)$ ]] ||
    wrong "PHASE is one of merged, dual-write, dual-read, distributed, not '$phase'"
fi
[[ -z ${sets[rollout.phase]:-} ]] || wrong 'rollout.phase is set by PHASE'
[[ $timeout =~ ^[1-9][0-9]{0,5}$ ]] || wrong "--timeout is a number of seconds, not $timeout"
[[ -z $parallelism_given || $parallelism_given =~ ^[1-9][0-9]{0,4}$ ]] ||
  wrong "--parallelism is a positive number, not $parallelism_given"

# --- current state ------------------------------------------------------------------------------

# How to call this script again, for messages.
self="$0 $rest"
with_records="--records $records"

call GET /overview || fail "$problem" 'give the address of the job manager'"'"'s REST interface'
read_record "$job"
ask_state "$job" || true
state=${now:-UNKNOWN}
# A job that waits for slots has the state RUNNING too.
if [[ $state == RUNNING ]] && ! all_tasks_run; then
  state=STARTING
fi

former_parallelism=
if [[ $state != UNKNOWN ]]; then
  read_shown_options "$job" || fail "$problem"
fi
# The record may have options that Flink masks or has forgotten.
shown_masked=(${masked[@]+"${masked[@]}"})
if [[ -z ${options[kafka.bootstrap.servers]:-} ]]; then
  options_of_record to
else
  masked=()
  for name in ${shown_masked[@]+"${shown_masked[@]}"}; do
    if [[ -n ${record[to.option.$name]:-} ]]; then
      options[$name]=${record[to.option.$name]}
    else
      masked+=("$name")
    fi
  done
fi
[[ $former_parallelism =~ ^[1-9] ]] || former_parallelism=${record[to.parallelism]:-}
if [[ -z ${options[kafka.bootstrap.servers]:-} ]]; then
  # Jobs of older releases do not show their options to Flink: all must come from the file.
  for name in "${!changes[@]}"; do
    [[ -n ${sets[$name]+x} ]] || options[$name]=${changes[$name]}
  done
  [[ $state != UNKNOWN || -n ${options[kafka.bootstrap.servers]:-} ]] ||
    fail "$rest knows no job $job, and $records has no record of it" "jobs that it knows: $rest/jobs"
  [[ -n ${options[kafka.bootstrap.servers]:-} ]] ||
    fail "job $job does not show its options, and $records has no record of them" \
      'write all that it was started with into a file, a line NAME: VALUE each, and add --options FILE;' \
      'newer jars show them'
fi
former_phase=${options[rollout.phase]:-distributed}
former_jar=${record[to.jar]:-} former_jar_file=${record[to.jar-file]:-}
declare -A former_options=()
for name in "${!options[@]}"; do former_options[$name]=${options[$name]}; done
for name in ${masked[@]+"${masked[@]}"}; do
  if is_secret "$name"; then
    former_options[$name]=''
  fi
done
if [[ -z $former_jar ]]; then
  call GET /jars || fail "$problem"
  number=$(grep -c "^files/[0-9]*/entry/[0-9]*/name	$main_class\$" <<<"$answer" || true)
  if [[ $number -eq 1 ]]; then
    place=$(grep "^files/[0-9]*/entry/[0-9]*/name	$main_class\$" <<<"$answer" | cut -d / -f 1,2)
    former_jar=$(value "$place/id")
  fi
fi

# --- target state -------------------------------------------------------------------------------

jar=$former_jar jar_file=$former_jar_file parallelism=$former_parallelism
if [[ $back == true ]]; then
  [[ -n ${record[from.job]:-} ]] ||
    fail "$records has no record of a move to job $job" \
      'look for the directory that --records named then, or name the former PHASE and --jar'
  options=() masked=()
  options_of_record from
  phase=${record[from.phase]} jar=${record[from.jar]} jar_file=${record[from.jar-file]}
  parallelism=${record[from.parallelism]}
fi
for name in "${!changes[@]}"; do options[$name]=${changes[$name]}; done
options[rollout.phase]=$phase
missing=()
for name in ${masked[@]+"${masked[@]}"}; do
  [[ -n ${options[$name]:-} ]] || missing+=("$name")
done
[[ ${#missing[@]} -eq 0 ]] ||
  fail "Flink does not show the value of ${missing[*]}" \
    'write it into a file that only you can read, a line NAME: VALUE each, and add --options FILE'
parallelism=${parallelism_given:-$parallelism}

to_upload=
if [[ -n $jar_given ]]; then
  if [[ -f $jar_given ]]; then
    to_upload=$jar_given
  else
    has_jar "$jar_given" || fail "$jar_given is neither a file nor the id of an uploaded jar"
    jar=$jar_given jar_file=
  fi
elif [[ -z $jar ]]; then
  fail "cannot choose one of the uploaded jars: $number have the class $main_class" \
    'name it with --jar: a file, or the id of one of them'
elif ! has_jar "$jar"; then
  # A restarted job manager has forgotten uploaded jars.
  [[ -n $jar_file && -f $jar_file ]] ||
    fail "the jar $jar is not on the cluster any more" 'name its file with --jar'
  to_upload=$jar_file
fi
if [[ -n $to_upload ]]; then
  jar_file=$(cd -- "$(dirname -- "$to_upload")" && pwd)/$(basename -- "$to_upload")
  jar=
fi

# The savepoint to start from: taken now if the job runs.
savepoint= stop=true cancel=false
if [[ -n $savepoint_given ]]; then
  [[ $state == UNKNOWN ]] || is_over "$state" ||
    fail "job $job is $state; --savepoint is for one that has ended" \
      'leave it out, and a new savepoint is taken'
  savepoint=$savepoint_given stop=false
elif [[ $state == RUNNING ]]; then
  :
elif [[ $back == true ]]; then
  # The job that --back undoes never started, or has ended.
  stop=false
  completed=0
  if [[ $state == UNKNOWN ]]; then
    [[ ${record[outcome]:-} == stopped ]] || completed=unknown
  else
    ask_checkpoints "$job" || fail "$problem"
  fi
  if [[ $completed == 0 ]]; then
    savepoint=${record[savepoint]}
  elif is_over "$state" && [[ -n $(value latest/completed/external_path) ]]; then
    savepoint=$(value latest/completed/external_path)
  else
    fail "job $job is $state, and has completed checkpoints (number: $completed) since it was started" \
      'so its former savepoint is outdated: a start from it would emit all later output twice' \
      'let it run again, or cancel it and add --savepoint with its latest retained checkpoint'
  fi
  is_over "$state" || [[ $state == UNKNOWN ]] || cancel=true
elif [[ $state == UNKNOWN ]]; then
  fail "$rest knows no job $job" "jobs that it knows: $rest/jobs"
else
  fail "job $job is $state, so no savepoint can be taken" \
    'wait until all of its tasks run, or, if it has ended, add --savepoint with its latest savepoint or retained checkpoint'
fi
new_job=$(random_id)

# --- the plan -----------------------------------------------------------------------------------

say "job $job ($state) at $rest"
say "  phase        $former_phase -> $phase"
say "  jar          ${former_jar:-unknown} -> ${jar:-$jar_file, to be uploaded}"
say "  parallelism  ${former_parallelism:-unknown} -> ${parallelism:-as the cluster has it}"
while IFS= read -r name; do
  [[ -n $name && $name != rollout.phase ]] || continue
  before=${former_options[$name]-} after=${options[$name]-}
  if [[ $before != "$after" ]] && ! { is_secret "$name" && [[ -n ${former_options[$name]+x} ]]; }; then
    say "  $name  $(shown "$name" "${before:-(unset)}") -> $(shown "$name" "${after:-(unset)}")"
  fi
done < <(printf '%s\n' "${!former_options[@]}" "${!options[@]}" | sort -u)
if [[ $stop == true ]]; then
  say "  savepoint    a new one, in ${savepoint_dir:-the directory of the cluster}"
else
  say "  savepoint    $savepoint"
fi

# The body of a request that runs the jar or plans it.
run_body() {
  local name separator=''
  printf '{"programArgsList":['
  for name in "${!options[@]}"; do
    printf '%s' "$separator"
    quoted "--$name=${options[$name]}"
    separator=,
  done
  printf ']'
  [[ -z $parallelism ]] || printf ',"parallelism":%s' "$parallelism"
  [[ $1 == plan ]] || {
    printf ',"jobId":"%s","allowNonRestoredState":false,"savepointPath":' "$new_job"
    quoted "$savepoint"
  }
  separator=
  printf ',"flinkConfiguration":{'
  for name in "${!flink_options[@]}"; do
    printf '%s' "$separator"
    separator=,
    quoted "$name"
    printf ':'
    quoted "${flink_options[$name]}"
  done
  printf '}}'
}

# Has the cluster build the job without running it, so refused options do not stop the old job.
check_options() {
  say 'checking whether the job accepts its options'
  post "/jars/$jar/plan" "$(run_body plan)" || fail "the job refuses: $problem" 'nothing was changed'
}

if [[ $dry_run == true ]]; then
  if [[ -n $jar ]]; then
    check_options
  else
    say 'not checked whether the job accepts its options: its jar is not on the cluster yet'
  fi
  say 'dry run: nothing was changed'
  exit 0
fi

# --- the move -----------------------------------------------------------------------------------

if [[ -n $to_upload ]]; then
  say "uploading $to_upload"
  upload "$to_upload"
fi
check_options

fail_unchanged() {
  ask_state "$job" || now=unreachable
  fail "$1" "the job is $now; while it runs or restarts, nothing has changed" \
    'if it has ended, start it from its latest savepoint or retained checkpoint with --savepoint'
}

take_savepoint() {
  local trigger body deadline=$((SECONDS + timeout)) status=''
  trigger=$(random_id)
  body='{"drain":false,"formatType":"CANONICAL","triggerId":"'$trigger'"'
  [[ -z $savepoint_dir ]] || body+=',"targetDirectory":'$(quoted "$savepoint_dir")
  say 'stopping the job with a savepoint'
  # If the answer is lost, the status of the trigger shows whether the request was accepted.
  post "/jobs/$job/stop" "$body}" || say "  $problem"
  local refused=${problem:-}
  while [[ $status != COMPLETED ]]; do
    if call GET "/jobs/$job/savepoints/$trigger"; then
      status=$(value status/id)
    elif [[ -n $refused && $refused != *'does not answer'* ]]; then
      fail_unchanged "the savepoint was refused: $refused"
    fi
    [[ $status == COMPLETED || $SECONDS -lt $deadline ]] || {
      ask_state "$job" || now=unreachable
      fail "the savepoint was not complete within $timeout s; the job is $now" \
        "it may still complete: its status is at $rest/jobs/$job/savepoints/$trigger" \
        "if the job still runs, nothing was changed: try again with a longer --timeout" \
        "if it has ended, add --savepoint with the location that is reported there"
    }
    [[ $status == COMPLETED ]] || sleep 0.5
  done
  savepoint=$(value operation/location)
  [[ -n $savepoint ]] ||
    fail_unchanged "no savepoint was taken: $(root_cause "$(value operation/failure-cause/stack-trace)")"
  say "  savepoint $savepoint"
}

# The job must have finished, and the savepoint must be the last that it completed.
check_savepoint() {
  local deadline=$((SECONDS + timeout))
  until ask_state "$job" && is_over "$now"; do
    [[ $SECONDS -lt $deadline ]] ||
      fail "the job has its savepoint but is $now after $timeout s" \
        "when it has ended: $self $job $phase --savepoint $savepoint $with_records, with the other options given now"
    sleep 0.5
  done
  [[ $now == FINISHED ]] ||
    fail "the job is $now, not FINISHED: $(last_failure "$job")" \
      "its savepoint is consistent, and complete unless a checkpoint was completed after it" \
      "to continue from it: $self $job $phase --savepoint $savepoint $with_records"
  ask_checkpoints "$job" || fail "$problem" "the savepoint is $savepoint"
  [[ $(value latest/savepoint/status) == COMPLETED && $(value latest/savepoint/external_path) == "$savepoint" ]] ||
    fail "Flink does not list the savepoint $savepoint as the job's last and complete" \
      "look at $rest/jobs/$job/checkpoints, and start from a complete one there with --savepoint"
  say "  it is complete ($(value latest/savepoint/state_size) bytes of state), and the job has finished"
}

cancel_first() {
  say "cancelling job $job, which is $state and has completed no checkpoint"
  call PATCH "/jobs/$job?mode=cancel" || fail "$problem" 'nothing was changed'
  local deadline=$((SECONDS + timeout))
  until ask_state "$job" && is_over "$now"; do
    [[ $SECONDS -lt $deadline ]] || fail "the job is still $now after $timeout s" 'try again'
    sleep 0.5
  done
  ask_checkpoints "$job" && [[ $completed == 0 ]] ||
    fail "the job has completed a checkpoint in the meantime" 'run this again: it starts from that one'
}

if [[ $cancel == true ]]; then
  cancel_first
elif [[ $stop == true ]]; then
  take_savepoint
  check_savepoint
fi
write_record stopped
say "  recorded in $records/$new_job.record"

what_to_do() {
  complain "failed: $1"
  complain '  the former job has ended; nothing is lost: everything that it held is in its savepoint'
  complain "  to start it again as it was:  $self $new_job --back $with_records"
  if [[ -z $now ]] || is_over "$now"; then
    complain "  to try once more:             $self $job $phase --savepoint $savepoint $with_records"
    complain '                                with the other options given now'
  else
    complain '  --back also cancels the new job, unless it has completed a checkpoint'
  fi
  complain "  secrets must be given again by --options; the logs are at $rest"
  exit 1
}

say "starting job $new_job in phase $phase"
if ! post "/jars/$jar/run" "$(run_body run)"; then
  refused=$problem
  # The answer may be lost although the job was started.
  sleep 1
  ask_state "$new_job" || what_to_do "the job was not started: $refused"
fi
write_record submitted

deadline=$((SECONDS + timeout)) running=false
while true; do
  ask_state "$new_job" || now=unreachable
  if is_over "$now"; then
    what_to_do "job $new_job is $now: $(last_failure "$new_job")"
  fi
  if [[ $now == RUNNING && $running == false ]] && all_tasks_run; then
    running=true
    say '  all of its tasks run; waiting for a checkpoint'
  fi
  if [[ $running == true ]] && ask_checkpoints "$new_job" && [[ ${completed:-0} -gt 0 ]]; then
    break
  fi
  if [[ $SECONDS -ge $deadline ]]; then
    cause=$(last_failure "$new_job")
    what_to_do "job $new_job is $now and has completed no checkpoint after $timeout s${cause:+: $cause}"
  fi
  sleep 0.5
done
write_record running
say "  checkpoint $(value latest/completed/id) is complete"
say "done: job $new_job is in phase $phase"
say "to go back:  $self $new_job --back $with_records"
