#compdef softofflinectl
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Completes softofflinectl. Verbs and options stand here once more; tests/cli/completion.py
# holds them against the program.

# The names of the DIMMs, and the slots of missing modules.
_softofflinectl_dimms() {
	local -a names
	names=(${(f)"$(timeout 2 $_softofflinectl_program dimms --json 2>/dev/null | awk '
		function text() { sub(/^[^:]*: "/, ""); sub(/",?$/, "")
			gsub(/\\"/, "\""); gsub(/\\\\/, "\\"); return $0 }
		/^  {/ { slot = "" }
		/^    "missing": true/ { if (slot != "") print slot }
		/^    "slot": "/ { slot = text() }
		/^    "label": "/ { print text() }')"})
	compadd -a names
}

_softofflinectl_verbs() {
	local -a verbs
	verbs=(
		'status:what is watched, what was done, what to do'
		'pages:pages that have had errors'
		'show:one page: errors, actions, what happens next'
		'dimms:DIMMs, their errors and their verdicts'
		'history:what was done or refused'
		'export:the stored errors as a table'
		'import:keep the export of another machine'
		'check:whether this machine can do its part'
		'monitor:follow what the daemon says'
		'probe:the verdict for a monitoring system'
		'offline:soft-offline a page now'
		'forget:drop what is known about a page or a DIMM'
		'reload:read the configuration again'
		'policy:show, verify or back-test the configuration'
	)
	_describe verb verbs
}

_softofflinectl_policy_verbs() {
	local -a verbs
	verbs=(
		'show:the configuration in force'
		'verify:whether configuration files are valid'
		'backtest:what policies would have done with recorded errors'
	)
	_describe verb verbs
}

# The verb among the words before the cursor: one word, or two of "policy".
_softofflinectl_verb() {
	local verb
	integer i

	for ((i = 2; i < CURRENT; i++)); do
		case $words[i] in
		(--db | --lines | --since | --state | --format | --input | --config | --policy | --exec | --as | --server | -n | -S)
			((i++)) ;;
		(-*) ;;
		(*)
			[[ -n $verb && $verb != policy ]] && break
			verb+=${verb:+ }$words[i] ;;
		esac
	done
	print -r -- $verb
}

_softofflinectl() {
	local _softofflinectl_program=$words[1] verb
	local -a always db lines since state format exit_code strict input config policy exec_ as wide server specs

	verb=$(_softofflinectl_verb)
	always=(
		'--json[print JSON]'
		'--no-legend[print tables without headings]'
		'(-h --help)'{-h,--help}'[print a summary]'
		'--version[print the version]'
	)
	db=('--db=[read this database]:database:_files')
	lines=('(-n --lines)'{-n+,--lines=}'[show the newest]:number: ')
	since=('(-S --since)'{-S+,--since=}'[show what is newer]:time: ')
	state=('--state=[pages in this state]:state:(watched pending offlined failed refused)')
	format=('--format=[print in this form]:form:(pfn memmap csv ndjson)')
	[[ $verb == pages ]] && format=('--format=[print in this form]:form:(pfn memmap)')
	[[ $verb == export ]] && format=('--format=[print in this form]:form:(csv ndjson)')
	exit_code=('--exit-code[exit with 10 if degraded, 11 to replace a DIMM]')
	strict=('--strict[also refuse a file with warnings]')
	input=('--input=[recorded errors]:file:_files')
	config=('*--config=[test this configuration]:file:_files')
	policy=('*--policy=[test this policy]:policy:(default rasdaemon mcelog windows illumos)')
	exec_=('--exec=[run this for each notice]:program:_files')
	as=('--as=[for this system]:system:(nagios npd nhc)')
	server=('--server=[whose errors these are]:name: ')
	wide=('--wide[print all columns]')
	specs=($always)
	case $verb in
	('') specs+=($db $lines $since $state $format $exit_code $strict $input $config $policy $exec_ $as $wide $server) ;;
	(status) specs+=($db $exit_code) ;;
	(pages) specs+=($db $lines $state $format $wide) ;;
	(export) specs+=($db $format) ;;
	(import) specs+=($db $server) ;;
	(show | history) specs+=($db $lines $since $wide) ;;
	(dimms) specs+=($db $wide) ;;
	(check) specs+=($wide) ;;
	(monitor) specs+=($lines $exec_) ;;
	(probe) specs+=($as) ;;
	('policy verify') specs+=($strict) ;;
	('policy backtest') specs+=($db $input $config $policy $wide) ;;
	esac
	specs+=('1:verb:_softofflinectl_verbs')
	case $verb in
	(forget) specs+=('2:page or DIMM:_softofflinectl_dimms') ;;
	(show | offline) specs+=('2:page: ') ;;
	(import) specs+=('2:export:_files') ;;
	(policy*) specs+=('2:verb:_softofflinectl_policy_verbs') ;;
	esac
	case $verb in
	('policy show') specs+=('3:DIMM or page:_softofflinectl_dimms') ;;
	('policy verify') specs+=('*:file:_files') ;;
	esac
	_arguments $specs
}

_softofflinectl "$@"
