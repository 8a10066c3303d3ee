// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * flood - signals that nobody asked for, straight to every connection of a process on
 * the system bus.
 *
 *	flood PID COUNT BYTES	COUNT signals with a string of BYTES to each of its
 *				connections; prints how many there were of both
 *
 * Exit status 0, 1 if the process has no connection, 2 if the bus cannot be reached.
 * Whether the bus daemon delivers a signal or throws it away is its business.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>

#define BUS_DAEMON "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus"
#define AT_ONCE    16

static void must(int r, const char *what)
{
	if (r < 0)
		errx(2, "%s: %s", what, strerror(-r));
}

/* belongs: @name is a connection of @pid; one that has just gone is none. */
static int belongs(sd_bus *bus, const char *name, unsigned int pid)
{
	sd_bus_message *reply = NULL;
	unsigned int owner = 0;
	int r;

	if (name[0] != ':')
		return 0;
	r = sd_bus_call_method(bus, BUS_DAEMON, "GetConnectionUnixProcessID", NULL,
			       &reply, "s", name);
	if (r >= 0)
		r = sd_bus_message_read(reply, "u", &owner);
	sd_bus_message_unref(reply);
	return r >= 0 && owner == pid;
}

/* A question in between: the bus daemon has read all that was sent before. */
static void settle(sd_bus *bus)
{
	must(sd_bus_call_method(bus, BUS_DAEMON, "GetId", NULL, NULL, ""), "the bus");
}

static void send_to(sd_bus *bus, const char *name, unsigned long count, const char *text)
{
	for (unsigned long i = 0; i < count; i++) {
		sd_bus_message *m = NULL;

		must(sd_bus_message_new_signal(bus, &m, "/flood", "org.example.Flood",
					       "Flood"),
		     "signal");
		must(sd_bus_message_append(m, "s", text), "signal");
		must(sd_bus_message_set_destination(m, name), "signal");
		must(sd_bus_send(bus, m, NULL), "send");
		sd_bus_message_unref(m);
		if (i % AT_ONCE == AT_ONCE - 1)
			settle(bus);
	}
	settle(bus);
}

int main(int argc, char **argv)
{
	unsigned long count, bytes, connections = 0;
	char **names = NULL, *text;
	unsigned int pid;
	sd_bus *bus;

	if (argc != 4) {
		fputs("usage: flood PID COUNT BYTES\n", stderr);
		return 2;
	}
	pid = (unsigned int)strtoul(argv[1], NULL, 10);
	count = strtoul(argv[2], NULL, 10);
	bytes = strtoul(argv[3], NULL, 10);
	text = malloc(bytes + 1);
	if (!text)
		err(2, "malloc");
	memset(text, 'x', bytes);
	text[bytes] = '\0';
	must(sd_bus_open_system(&bus), "the system bus");
	must(sd_bus_list_names(bus, &names, NULL), "names");
	for (char **name = names; name && *name; name++) {
		if (!belongs(bus, *name, pid))
			continue;
		connections++;
		send_to(bus, *name, count, text);
	}
	printf("%lu signals to each of %lu connections\n", count, connections);
	return connections ? 0 : 1;
}
