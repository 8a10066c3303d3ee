# SPDX-License-Identifier: GPL-2.0-or-later
#
# Completes softofflinectl. Verbs and options stand here once more; tests/cli/completion.py
# holds them against the program.

# The names of the DIMMs, and the slots of missing modules, one a line.
_softofflinectl_dimms() {
	timeout 2 "$1" dimms --json 2>/dev/null | awk '
		function text() { sub(/^[^:]*: "/, ""); sub(/",?$/, "")
			gsub(/\\"/, "\""); gsub(/\\\\/, "\\"); return $0 }
		/^    "missing": true/ { print slot }
		/^    "slot": "/ { slot = text() }
		/^    "label": "/ { print text() }'
}

# Names may hold blanks: they are completed as they have to be typed.
_softofflinectl_complete_dimms() { # PROGRAM WORD
	local name quoted

	while read -r name; do
		printf -v quoted %q "$name"
		[[ $quoted == "$2"* ]] && COMPREPLY+=("$quoted")
	done < <(_softofflinectl_dimms "$1")
}

_softofflinectl_options() { # VERB
	local always="--json --no-legend --help --version"

	case $1 in
	"") echo "$always --db --lines --since --state --exit-code --strict" \
		"--format --input --config --policy --exec --as" ;;
	status) echo "$always --db --exit-code" ;;
	pages) echo "$always --db --lines --state --format" ;;
	export) echo "$always --db --format" ;;
	show | history) echo "$always --db --lines --since" ;;
	dimms) echo "$always --db" ;;
	monitor) echo "$always --lines --exec" ;;
	probe) echo "$always --as" ;;
	"policy verify") echo "$always --strict" ;;
	"policy backtest") echo "$always --db --input --config --policy" ;;
	*) echo "$always" ;;
	esac
}

# The value of option $1; fails if $1 is no option with a value.
_softofflinectl_value() { # OPTION WORD VERB
	local formats="pfn memmap csv ndjson"

	[[ $3 == pages ]] && formats="pfn memmap"
	[[ $3 == export ]] && formats="csv ndjson"
	case $1 in
	--db | --input | --config | --exec)
		mapfile -t COMPREPLY < <(compgen -f -- "$2")
		;;
	--policy)
		mapfile -t COMPREPLY < <(compgen -W \
			"default rasdaemon mcelog windows illumos" -- "$2")
		;;
	--state)
		mapfile -t COMPREPLY < <(compgen -W \
			"watched pending offlined failed refused" -- "$2")
		;;
	--format)
		mapfile -t COMPREPLY < <(compgen -W "$formats" -- "$2")
		;;
	--as)
		mapfile -t COMPREPLY < <(compgen -W "nagios npd nhc" -- "$2")
		;;
	--lines | --since | -n | -S) ;;
	*) return 1 ;;
	esac
}

_softofflinectl() {
	local cur prev word i verb="" arguments=0

	COMPREPLY=()
	cur=${COMP_WORDS[COMP_CWORD]}
	prev=${COMP_WORDS[COMP_CWORD - 1]}
	# readline splits at "=": --state=x is three words.
	if [[ $cur == "=" ]]; then
		cur=""
	elif [[ $prev == "=" ]]; then
		prev=${COMP_WORDS[COMP_CWORD - 2]}
	fi

	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		--db | --lines | --since | --state | --format | --input | --config | --policy | \
			--exec | --as | -n | -S)
			((i++))
			[[ ${COMP_WORDS[i]} == "=" ]] && ((i++))
			;;
		-*) ;;
		*)
			if [[ -z $verb || $verb == policy ]]; then
				verb=${verb:+$verb }$word
			else
				((arguments++))
			fi
			;;
		esac
	done
	_softofflinectl_value "$prev" "$cur" "$verb" && return
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_softofflinectl_options "$verb")" -- "$cur")
		return
	fi
	case $verb:$arguments in
	:0)
		mapfile -t COMPREPLY < <(compgen -W "status pages show dimms history export check
			monitor probe offline forget reload policy" -- "$cur")
		;;
	policy:0)
		mapfile -t COMPREPLY < <(compgen -W "show verify backtest" -- "$cur")
		;;
	"policy verify":*)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		;;
	forget:0 | "policy show":0)
		_softofflinectl_complete_dimms "${COMP_WORDS[0]}" "$cur"
		;;
	esac
}

complete -F _softofflinectl softofflinectl
