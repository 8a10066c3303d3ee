# SPDX-License-Identifier: GPL-2.0-or-later
#
# Completes softofflinectl. Verbs and options stand here once more; tests/cli/completion.py
# holds them against the program.

# The names of the DIMMs, and the slots of missing modules.
function __softofflinectl_dimms
    set -l words (commandline -opc)
    timeout 2 $words[1] dimms --json 2>/dev/null | awk '
        function text() { sub(/^[^:]*: "/, ""); sub(/",?$/, "")
            gsub(/\\\\"/, "\""); gsub(/\\\\\\\\/, "\\\\"); return $0 }
        /^  {/ { slot = "" }
        /^    "missing": true/ { if (slot != "") print slot }
        /^    "slot": "/ { slot = text() }
        /^    "label": "/ { print text() }'
end

# The verb before the cursor (one word, or two of "policy"), and a colon for each argument.
function __softofflinectl_verb
    set -l words (commandline -opc)
    set -l verb ''
    set -l arguments ''
    set -l value no
    for word in $words[2..-1]
        if test $value = yes
            set value no
            continue
        end
        switch $word
            case --db --lines --since --state --format --input --config --policy --exec --as -n -S
                set value yes
            case '-*'
            case '*'
                if test -z "$verb"
                    set verb $word
                else if test "$verb" = policy
                    set verb "policy $word"
                else
                    set arguments "$arguments:"
                end
        end
    end
    echo "$verb$arguments"
end

# True for one of the verbs, with whatever arguments; "" is no verb yet.
function __softofflinectl_in
    contains -- (string trim -r -c : "$(__softofflinectl_verb)") $argv
end

# True for one of the verbs whose first argument is to come.
function __softofflinectl_after
    contains -- (__softofflinectl_verb) $argv
end

complete -c softofflinectl -f
complete -c softofflinectl -n '__softofflinectl_after ""' -a status -d 'What is watched, what was done, what to do'
complete -c softofflinectl -n '__softofflinectl_after ""' -a pages -d 'Pages that have had errors'
complete -c softofflinectl -n '__softofflinectl_after ""' -a show -d 'One page: errors, actions, what happens next'
complete -c softofflinectl -n '__softofflinectl_after ""' -a dimms -d 'DIMMs, their errors and their verdicts'
complete -c softofflinectl -n '__softofflinectl_after ""' -a history -d 'What was done or refused'
complete -c softofflinectl -n '__softofflinectl_after ""' -a export -d 'The stored errors as a table'
complete -c softofflinectl -n '__softofflinectl_after ""' -a import -d 'Keep the export of another machine'
complete -c softofflinectl -n '__softofflinectl_after ""' -a check -d 'Whether this machine can do its part'
complete -c softofflinectl -n '__softofflinectl_after ""' -a monitor -d 'Follow what the daemon says'
complete -c softofflinectl -n '__softofflinectl_after ""' -a probe -d 'The verdict for a monitoring system'
complete -c softofflinectl -n '__softofflinectl_after ""' -a offline -d 'Soft-offline a page now'
complete -c softofflinectl -n '__softofflinectl_after ""' -a forget -d 'Drop what is known about a page or a DIMM'
complete -c softofflinectl -n '__softofflinectl_after ""' -a reload -d 'Read the configuration again'
complete -c softofflinectl -n '__softofflinectl_after ""' -a policy -d 'Show, verify or back-test the configuration'
complete -c softofflinectl -n '__softofflinectl_after policy' -a show -d 'The configuration in force'
complete -c softofflinectl -n '__softofflinectl_after policy' -a verify -d 'Whether configuration files are valid'
complete -c softofflinectl -n '__softofflinectl_after policy' -a backtest -d 'What policies would have done'

complete -c softofflinectl -n '__softofflinectl_after forget "policy show"' -a '(__softofflinectl_dimms)'
complete -c softofflinectl -n '__softofflinectl_in import "policy verify"' -F

complete -c softofflinectl -l json -d 'Print JSON'
complete -c softofflinectl -l no-legend -d 'Print tables without headings'
complete -c softofflinectl -l help -s h -d 'Print a summary'
complete -c softofflinectl -l version -d 'Print the version'
complete -c softofflinectl -n '__softofflinectl_in "" status pages show dimms history export import "policy backtest"' -l db -r -F -d 'Read this database'
complete -c softofflinectl -n '__softofflinectl_in "" pages show history monitor' -l lines -s n -x -d 'Show the newest'
complete -c softofflinectl -n '__softofflinectl_in "" show history' -l since -s S -x -d 'Show what is newer'
complete -c softofflinectl -n '__softofflinectl_in "" pages' -l state -x -a 'watched pending offlined failed refused' -d 'Pages in this state'
complete -c softofflinectl -n '__softofflinectl_in "" pages' -l format -x -a 'pfn memmap' -d 'Print in this form'
complete -c softofflinectl -n '__softofflinectl_in "" export' -l format -x -a 'csv ndjson' -d 'Print in this form'
complete -c softofflinectl -n '__softofflinectl_in "" status' -l exit-code -d 'Exit with 10 if degraded, 11 to replace a DIMM'
complete -c softofflinectl -n '__softofflinectl_in "" "policy verify"' -l strict -d 'Also refuse a file with warnings'
complete -c softofflinectl -n '__softofflinectl_in "" "policy backtest"' -l input -r -F -d 'Recorded errors'
complete -c softofflinectl -n '__softofflinectl_in "" "policy backtest"' -l config -r -F -d 'Test this configuration'
complete -c softofflinectl -n '__softofflinectl_in "" "policy backtest"' -l policy -x -a 'default rasdaemon mcelog windows illumos' -d 'Test this policy'
complete -c softofflinectl -n '__softofflinectl_in "" monitor' -l exec -r -F -d 'Run this for each notice'
complete -c softofflinectl -n '__softofflinectl_in "" pages show dimms history check "policy backtest"' -l wide -d 'Print all columns'
complete -c softofflinectl -n '__softofflinectl_in "" probe' -l as -x -a 'nagios npd nhc' -d 'For this system'
complete -c softofflinectl -n '__softofflinectl_in "" import' -l server -x -d 'Whose errors these are'
