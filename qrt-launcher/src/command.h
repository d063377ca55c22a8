/* SPDX-License-Identifier: MIT */
/* The commands of qrt-launcher: one file each, one table in main.c. */
#ifndef QRT_LAUNCHER_COMMAND_H
#define QRT_LAUNCHER_COMMAND_H

/* Exit codes. `run` passes the VM's own code through and uses the last three as env(1) does. */
#define EXIT_OK          0
#define EXIT_FAILED      1
#define EXIT_USAGE       2
#define EXIT_LAUNCHER    125 /* the launcher itself failed */
#define EXIT_CANNOT_EXEC 126
#define EXIT_NOT_FOUND   127

struct command {
	const char *name;
	const char *summary; /* one line for --help */
	/* argv[0] is the command's name. Returns the exit code. */
	int (*run)(int argc, char **argv);
	int failure; /* its exit code when the launcher itself fails */
};

int command_run(int argc, char **argv);
int command_status(int argc, char **argv);
int command_check(int argc, char **argv);
int command_plan(int argc, char **argv);
int command_blame(int argc, char **argv);
int command_latency(int argc, char **argv);
int command_ping(int argc, char **argv);
int command_set(int argc, char **argv);
int command_attach(int argc, char **argv);
int command_detach(int argc, char **argv);
int command_top(int argc, char **argv);
int command_repair(int argc, char **argv);
int command_shield(int argc, char **argv);
int command_unshield(int argc, char **argv);

/* "qrt-launcher: MESSAGE" on standard error, one line. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The ending of a word that is counted: "" for one, else "s". */
const char *plural(unsigned long long count);

#endif
