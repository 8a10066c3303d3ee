# SPDX-License-Identifier: GPL-2.0-or-later
#
# Completes softofflinectl. Verbs and options stand here once more; tests/cli/completion.py
# holds them against the program.

# Splits @LINE at its blanks into @words, as they are meant: without quotes. The last one is the
# word at the cursor; @quote is the quote that is open there, and readline replaces what is behind
# its first @kept characters.
_softofflinectl_split() { # LINE
	local line=$1 c i fresh=yes

	words=("") quote="" kept=0
	for ((i = 0; i < ${#line}; i++)); do
		c=${line:i:1}
		if [[ -z $quote && $c == [[:blank:]] ]]; then
			[[ $fresh ]] || words+=("")
			fresh=yes kept=0
			continue
		fi
		fresh=""
		if [[ $c == "\\" && ($quote == "" ||
			($quote == '"' && ${line:i+1:1} == [\"\\\$\`])) ]]; then
			((i++))
			words[-1]+=${line:i:1}
		elif [[ -n $quote && $c == "$quote" ]]; then
			quote=""
		elif [[ -n $quote ]]; then
			words[-1]+=$c
		elif [[ $c == [\"\'] ]]; then
			quote=$c kept=${#words[-1]}
		else
			words[-1]+=$c
			[[ $COMP_WORDBREAKS == *"$c"* ]] && kept=${#words[-1]}
		fi
	done
}

# The names of the DIMMs, and the slots of missing modules, one a line.
_softofflinectl_dimms() {
	timeout 2 "$1" dimms --json 2>/dev/null | awk '
		function text() { sub(/^[^:]*: "/, ""); sub(/",?$/, "")
			gsub(/\\"/, "\""); gsub(/\\\\/, "\\"); return $0 }
		/^  {/ { slot = "" }
		/^    "missing": true/ { if (slot != "") print slot }
		/^    "slot": "/ { slot = text() }
		/^    "label": "/ { print text() }'
}

# Names may hold blanks and quotes: they are completed as they have to be typed from here on.
_softofflinectl_complete_dimms() { # PROGRAM WORD QUOTE KEPT
	local name rest

	while IFS= read -r name; do
		[[ $name == "$2"* ]] || continue
		rest=${name:$4}
		case $3 in
		"'") rest=${rest//\'/\'\\\'\'} ;;
		'"') rest=$(sed 's/[\\"$`]/\\&/g' <<<"$rest") ;;
		*) [[ -z $rest ]] || printf -v rest %q "$rest" ;;
		esac
		COMPREPLY+=("$rest")
	done < <(_softofflinectl_dimms "$1")
}

_softofflinectl_options() { # VERB
	local always="--json --no-legend --help --version"

	case $1 in
	"") echo "$always --db --lines --since --state --exit-code --strict" \
		"--format --input --config --policy --exec --as --wide --server" ;;
	status) echo "$always --db --exit-code" ;;
	pages) echo "$always --db --lines --state --format --wide" ;;
	export) echo "$always --db --format" ;;
	import) echo "$always --db --server" ;;
	show | history) echo "$always --db --lines --since --wide" ;;
	dimms) echo "$always --db --wide" ;;
	check) echo "$always --wide" ;;
	monitor) echo "$always --lines --exec" ;;
	probe) echo "$always --as" ;;
	"policy verify") echo "$always --strict" ;;
	"policy backtest") echo "$always --db --input --config --policy --wide" ;;
	*) echo "$always" ;;
	esac
}

# readline quotes the names of files.
_softofflinectl_files() { # WORD
	compopt -o filenames
	mapfile -t COMPREPLY < <(compgen -f -- "$1")
}

# The value of option $1; fails if $1 is no option with a value.
_softofflinectl_value() { # OPTION WORD VERB
	local formats="pfn memmap csv ndjson"

	[[ $3 == pages ]] && formats="pfn memmap"
	[[ $3 == export ]] && formats="csv ndjson"
	case $1 in
	--db | --input | --config | --exec)
		_softofflinectl_files "$2"
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
	--lines | --since | --server | -n | -S) ;;
	*) return 1 ;;
	esac
}

_softofflinectl() {
	local -a words
	local cur prev word i quote kept verb="" arguments=0 program=${COMP_WORDS[0]}

	COMPREPLY=()
	_softofflinectl_split "${COMP_LINE:0:COMP_POINT}"
	cur=${words[-1]}
	prev=${words[-2]}
	if [[ $cur == --*=* ]]; then
		prev=${cur%%=*}
		cur=${cur#*=}
	fi
	for ((i = 1; i < ${#words[@]} - 1; i++)); do
		word=${words[i]}
		case $word in
		--db | --lines | --since | --state | --format | --input | --config | --policy | \
			--exec | --as | --server | -n | -S)
			((i++))
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
		mapfile -t COMPREPLY < <(compgen -W "status pages show dimms history export import check
			monitor probe offline forget reload policy" -- "$cur")
		;;
	policy:0)
		mapfile -t COMPREPLY < <(compgen -W "show verify backtest" -- "$cur")
		;;
	import:0 | "policy verify":*)
		_softofflinectl_files "$cur"
		;;
	forget:0 | "policy show":0)
		_softofflinectl_complete_dimms "$program" "$cur" "$quote" "$kept"
		;;
	esac
}

complete -F _softofflinectl softofflinectl
