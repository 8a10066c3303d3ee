# SPDX-License-Identifier: GPL-2.0-or-later
#
# Completes softofflinectl. Verbs and options stand here once more; a test holds them
# against --help.

_softofflinectl() {
	local cur prev word i verb=""
	local verbs="status pages show dimms history check offline forget reload policy"
	local options="--json --no-legend --db --lines --since --state --exit-code --help
		--version --strict --input --config --policy"

	COMPREPLY=()
	cur=${COMP_WORDS[COMP_CWORD]}
	prev=${COMP_WORDS[COMP_CWORD - 1]}
	# readline splits at "=": --state=x is three words.
	if [[ $cur == "=" ]]; then
		cur=""
	elif [[ $prev == "=" ]]; then
		prev=${COMP_WORDS[COMP_CWORD - 2]}
	fi

	case $prev in
	--db | --input | --config)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
		;;
	--policy)
		mapfile -t COMPREPLY < <(compgen -W \
			"default rasdaemon mcelog windows illumos" -- "$cur")
		return
		;;
	--state)
		mapfile -t COMPREPLY < <(compgen -W \
			"watched pending offlined failed refused" -- "$cur")
		return
		;;
	--lines | --since | -n | -S)
		return
		;;
	esac
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$options" -- "$cur")
		return
	fi

	for ((i = 1; i < COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		case $word in
		--db | --lines | --since | --state | --input | --config | --policy | -n | -S)
			((i++))
			[[ ${COMP_WORDS[i]} == "=" ]] && ((i++))
			;;
		-*) ;;
		*)
			verb=${verb:+$verb }$word
			;;
		esac
	done
	case $verb in
	"")
		mapfile -t COMPREPLY < <(compgen -W "$verbs" -- "$cur")
		;;
	policy)
		mapfile -t COMPREPLY < <(compgen -W "show verify backtest" -- "$cur")
		;;
	"policy verify"*)
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		;;
	esac
}

complete -F _softofflinectl softofflinectl
