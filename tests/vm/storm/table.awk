# SPDX-License-Identifier: GPL-2.0-or-later
#
# A table in Markdown of the lines "PROGRAM STORM NAME VALUE": with -v which=both a row for
# each storm and program, in the order of the storms; otherwise what only softofflined has.

{ v[$1, $2, $3] = $4; have[$1, $2] = 1 }

function number(n,    text) {
	text = sprintf("%d", n)
	while (match(text, /^[0-9]+[0-9][0-9][0-9](,|$)/))
		text = substr(text, 1, match(text, /[0-9][0-9][0-9](,|$)/) - 1) "," \
			substr(text, RSTART)
	return text
}

function seconds(name) {
	return sprintf("%.2f", v[p, s, name] / 1000)
}

function msec(name) {
	return (p, s, name) in v ? sprintf(v[p, s, name] < 10 ? "%.1f" : "%.0f", v[p, s, name]) : "–"
}

function cpu() {
	return v[p, s, "user_msec"] + v[p, s, "system_msec"]
}

function pages() {
	return sprintf("%d of %d%s", v[p, s, "retired"], s ~ /^d/ ? 0 : 200,
		v[p, s, "retired_of_burst"] ? ", " number(v[p, s, "retired_of_burst"]) " of the burst" : "")
}

function row(    sent) {
	sent = v[p, s, "sent"]
	printf "| (%s) | %s ", name[s], p
	printf "| %s, %.0f %% | %s ", number(v[p, s, "recorded"]),
		100 * v[p, s, "recorded"] / (sent ? sent : 1), number(v[p, s, "lost"])
	printf "| %s ", pages()
	printf "| %.2f ", cpu() / 1000
	printf "| %s ", number(v[p, s, "recorded"] * 1000 / (cpu() ? cpu() : 10))
	printf "| %.1f MiB ", v[p, s, "rss_kib"] / 1024
	printf "| %s / %s |\n", msec("reaction_tail_median_msec"), msec("reaction_tail_p99_msec")
}

function row_of_ours() {
	printf "| (%s) ", name[s]
	printf "| %s + %s ", seconds("user_msec"), seconds("system_msec")
	printf "| %s ", seconds("writer_system_msec")
	printf "| %s / %s ", msec("reaction_burst_median_msec"), msec("reaction_burst_p99_msec")
	printf "| %s | %s | %s ", msec("replace_msec"), msec("stored_msec"),
		number(v[p, s, "idle_unstored"])
	printf "| %.1f MB | %d |\n", v[p, s, "database_bytes"] / 1000000, v[p, s, "log_lines"]
}

# ratio STORM LESS: how many times (a)'s CPU time its is, LESS the writer's system time.
function ratio(storm, less,    a, b) {
	p = "softofflined"
	s = "a"
	a = cpu() - less * v[p, s, "writer_system_msec"]
	s = storm
	b = cpu() - less * v[p, s, "writer_system_msec"]
	if (have[p, "a"] && have[p, storm] && a > 0)
		printf "CPU time of (%s)%s: %.2f times that of (a).\n", storm,
			(less ? " without the kernel's own writes" : ""), b / a
}

function table_of_both(    i, j) {
	print "| storm | | recorded | lost | pages out of use | CPU seconds |" \
		" recorded per CPU second | most resident |" \
		" threshold to offlined after the burst, median / p99, ms |"
	print "|---|---|---|---|---|---|---|---|---|"
	for (i = 1; i <= n; i++) {
		s = storms[i]
		for (j = 1; j <= 2; j++) {
			p = j == 1 ? "softofflined" : "rasdaemon"
			if (have[p, s])
				row()
		}
	}
}

function table_of_ours(    i) {
	print "| storm | CPU seconds, user + system | of which the thread that writes to the kernel, system |" \
		" threshold to offlined in the burst, median / p99, ms | burst to `replace`, ms |" \
		" end to all stored, ms | most unstored when idle | database | lines in the log |"
	print "|---|---|---|---|---|---|---|---|---|"
	p = "softofflined"
	for (i = 1; i <= n; i++) {
		s = storms[i]
		if (have[p, s])
			row_of_ours()
	}
	print ""
	ratio("b", 0)
	ratio("b", 1)
	ratio("c", 0)
	ratio("c", 1)
}

END {
	n = split("a b c d-a d-b", storms, " ")
	split("a b c d", letter, " ")
	for (i = 1; i <= 3; i++)
		name[letter[i]] = letter[i]
	name["d-a"] = "d, as a"
	name["d-b"] = "d, as b"
	if (which == "both")
		table_of_both()
	else
		table_of_ours()
}
