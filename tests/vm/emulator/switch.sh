#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# In the small VM: switches ras:mc_event on and off for two minutes while others change tasks
# all the time. With "provoke" on the kernel's command line the kernel records the names of
# tasks with the events, as it does by default, and so patches its scheduler each time.

t=/sys/kernel/tracing
if grep -q provoke /proc/cmdline; then
	echo 1 >$t/options/record-cmd
else
	echo 0 >$t/options/record-cmd
fi
for _ in $(seq "$(nproc)"); do
	(while :; do echo x; done) | (while read -r _; do :; done) &
done
n=0
end=$(($(cut -d. -f1 /proc/uptime) + 120))
while [ "$(cut -d. -f1 /proc/uptime)" -lt $end ]; do
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		echo 1 >$t/events/ras/mc_event/enable
		echo 0 >$t/events/ras/mc_event/enable
	done
	n=$((n + 10))
	echo "$n times on and off"
done
