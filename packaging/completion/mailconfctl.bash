# bash completion of mailconfctl: 'mailconfctl complete' knows what could come next.

_mailconfctl()
{
	local rest=${COMP_LINE:0:COMP_POINT} words=() word i breaks="" typed begun="" quote="" lines line

	# Bash splits words at ':', '=' and '@' too; mailconfctl only at spaces.
	for ((i = 0; i <= COMP_CWORD; i++)); do
		if ((i == 0)) || [[ $rest == [[:blank:]]* ]]; then
			rest=${rest#"${rest%%[![:blank:]]*}"}
			words+=("")
		fi
		word=${COMP_WORDS[i]}
		((i < COMP_CWORD)) || word=$rest
		rest=${rest#"$word"}
		words[${#words[@]} - 1]+=$word
	done
	typed=${words[${#words[@]} - 1]}
	[[ $typed != [\'\"]* ]] || quote=${typed:0:1}
	words=("${words[@]//[\\\"\']/}")
	typed=${words[${#words[@]} - 1]}

	# It replaces only what follows the last of those that it splits at.
	for i in : = @; do
		[[ $COMP_WORDBREAKS != *$i* ]] || breaks+=$i
	done
	# shellcheck disable=SC2295 # a set of characters
	[[ -z $breaks || -n $quote ]] || begun=${typed%"${typed##*[$breaks]}"}
	begun=${begun%@} # which it puts before the rest

	COMPREPLY=()
	mapfile -t lines < <("$1" complete "${words[@]:1}" 2>/dev/null)
	for line in "${lines[@]}"; do
		if [[ $line == :files ]]; then
			compopt -o default
			continue
		fi
		line=${line%%$'\t'*}
		line=${line#"$begun"}
		[[ -n $quote ]] || printf -v line %q "$line"
		COMPREPLY+=("$line")
	done
	[[ ${#COMPREPLY[@]} -ne 1 || ${COMPREPLY[0]} != *[:/=@] ]] || compopt -o nospace
}

complete -F _mailconfctl mailconfctl
