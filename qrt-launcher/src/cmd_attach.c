/* SPDX-License-Identifier: MIT */
/* attach: supervises a VM that somebody else started. */
#include "attach.h"
#include "command.h"
#include "option.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void print_help(void)
{
	puts("Usage: qrt-launcher attach PID|NAME [OPTIONS]\n\n"
	     "Supervises a VM that runs already, such as one of libvirt's: its threads get their roles by "
	     "their\n"
	     "names, and run as planned until 'qrt-launcher detach', or until the launcher ends: then each "
	     "is\n"
	     "as it was, and the VM runs on. NAME is what QEMU was given by -name. Without a plan one is "
	     "made\n"
	     "from the host's CPUs and the VM's shape.\n\n"
	     "  --plan FILE   a plan file, see qrt-plan(5), - for standard input; what comes later\n"
	     "                overrides it\n"
	     "  -rt OPTION    an option of the plan, such as vcpu_sched=fifo\n"
	     "  --name NAME   the VM's name for 'status' and others; else QEMU's -name\n"
	     "  --qmp SOCKET  a monitor of the VM, for us alone: it knows vCPUs and iothreads\n"
	     "  --on-delay TIME:ACTION  when a real-time thread was kept from running that long: log, file,\n"
	     "                command=CMD, stop or failsafe=PLANFILE; what was recorded is kept\n"
	     "  --record-dir FOLDER  where that is kept, instead of .records in the run directory\n"
	     "  --no-record   record nothing for 'blame --last'\n"
	     "  --daemon      supervise in the background, once the threads are in their roles\n"
	     "  --foreground  supervise in the foreground (the default); Ctrl-C and SIGTERM let the VM go\n"
	     "  -v, --verbose say what is done\n\n"
	     "Exit code: 0 the VM ended or was let go, 1 it was refused or could not be put back, 2 usage.");
}

static int take_name(struct attach *attach, const char *value)
{
	if (!state_is_name(value)) {
		complain("--name '%s': letters, digits, '_', '.', '-', at most %d, a letter or digit first",
			 value, STATE_NAME_MAX);
		return EXIT_USAGE;
	}
	attach->name = value;
	return EXIT_OK;
}

static bool take_flag(struct attach *attach, const char *argument)
{
	if (strcmp(argument, "--daemon") == 0)
		attach->in_background = true;
	else if (strcmp(argument, "--foreground") == 0)
		attach->in_background = false;
	else if (strcmp(argument, "--verbose") == 0 || strcmp(argument, "-v") == 0)
		attach->verbose = true;
	else if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0)
		attach->help = true;
	else if (argument[0] != '-' && !attach->text)
		attach->text = argument;
	else
		return false;
	return true;
}

static bool is_of_plan(const char *argument)
{
	return g_str_has_prefix(argument, "--plan") || g_str_has_prefix(argument, "-rt");
}

static int take(struct attach *attach, int argc, char **argv, int *index)
{
	const char *value;
	int r = recorder_options_take(&attach->record, argc, argv, index);

	if (r != 0)
		return r > 0 ? EXIT_OK : -r;
	r = option_take("--name", argc, argv, index, &value);
	if (r > 0)
		return take_name(attach, value);
	if (r == 0)
		r = option_take("--qmp", argc, argv, index, &attach->qmp_path);
	if (r == 0 && is_of_plan(argv[*index]))
		r = plan_request_take(&attach->request, argc, argv, index);
	if (r != 0)
		return r > 0 ? EXIT_OK : -r;
	if (take_flag(attach, argv[*index])) {
		(*index)++;
		return EXIT_OK;
	}
	complain("attach: unknown argument '%s'; try 'qrt-launcher attach --help'", argv[*index]);
	return EXIT_USAGE;
}

static int parse(struct attach *attach, int argc, char **argv)
{
	int index = 1, r = EXIT_OK;

	while (r == EXIT_OK && index < argc && !attach->help)
		r = take(attach, argc, argv, &index);
	if (r == EXIT_OK && !attach->help && !attach->text) {
		complain("attach: which VM? give the process id or the name of a running QEMU");
		r = EXIT_USAGE;
	}
	if (r == EXIT_OK && !attach->help && !attach->qmp_path &&
	    action_has(&attach->record.actions, ACTION_STOP)) {
		complain("attach: --on-delay TIME:stop needs a monitor of the VM: give --qmp SOCKET");
		r = EXIT_USAGE;
	}
	attach->record.to_log = attach->in_background;
	return r;
}

static int attach_vm(struct attach *attach)
{
	int r = attach_look(attach);

	if (r != EXIT_OK)
		return r;
	attach->run_fd = state_enter_run();
	if (attach->run_fd < 0)
		return EXIT_FAILED;
	r = attach_prepare(attach);
	if (r == EXIT_OK)
		r = attach_supervise(attach);
	state_close_run(attach->run_fd);
	return r;
}

/* ---- in the background ---- */

/* Its words go to who waits, until there is nobody. */
static void leave_terminal(int ready_fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(ready_fd, STDERR_FILENO);
	if (null > STDERR_FILENO)
		close(null);
}

/* The first line of standard output is the good news, all else is an error. */
static int wait_ready(pid_t child, int ready_fd, int error_fd)
{
	char buf[4096];
	int status = 0;
	ssize_t n, good = 0;

	while ((n = read(error_fd, buf, sizeof(buf))) > 0 || (n < 0 && errno == EINTR))
		(void)!write(STDERR_FILENO, buf, n > 0 ? (size_t)n : 0);
	while ((n = read(ready_fd, buf, sizeof(buf))) > 0 || (n < 0 && errno == EINTR)) {
		fwrite(buf, 1, n > 0 ? (size_t)n : 0, stdout);
		good += n;
	}
	if (good > 0)
		return EXIT_OK;
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : EXIT_FAILED;
}

static int attach_in_background(struct attach *attach)
{
	int ready[2], errors[2], r;
	pid_t child;

	if (pipe2(ready, O_CLOEXEC) < 0 || pipe2(errors, O_CLOEXEC) < 0 || (child = fork()) < 0) {
		complain("no process in the background: %s", strerror(errno));
		return EXIT_FAILED;
	}
	if (child == 0) {
		close(ready[0]);
		close(errors[0]);
		leave_terminal(errors[1]);
		close(errors[1]);
		attach->ready_fd = ready[1];
		return attach_vm(attach);
	}
	close(ready[1]);
	close(errors[1]);
	r = wait_ready(child, ready[0], errors[0]);
	close(ready[0]);
	close(errors[0]);
	return r;
}

static void close_fd(int fd)
{
	if (fd >= 0)
		close(fd);
}

int command_attach(int argc, char **argv)
{
	struct attach attach = {.run_fd = -1, .qmp_fd = -1, .pidfd = -1, .signal_fd = -1, .ready_fd = -1};
	int r;

	if (plan_request_open(&attach.request, "attach") < 0)
		return EXIT_FAILED;
	r = parse(&attach, argc, argv);
	if (r == EXIT_OK && attach.help)
		print_help();
	else if (r == EXIT_OK)
		r = attach.in_background ? attach_in_background(&attach) : attach_vm(&attach);
	close_fd(attach.qmp_fd);
	close_fd(attach.pidfd);
	close_fd(attach.signal_fd);
	attach_target_clear(&attach.target);
	recorder_options_clear(&attach.record);
	plan_request_close(&attach.request);
	return r;
}
