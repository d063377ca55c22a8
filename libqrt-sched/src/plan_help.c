/* SPDX-License-Identifier: MIT */
/* The grammars for a person; qrt-plan(5) has more, a test compares the names with those that are parsed. */
#include <qrt/sched.h>

const char *qrt_sched_plan_help(void)
{
	return "Options of a plan; each may be given several times, what comes later overrides, role by "
	       "role\n"
	       "and key by key; several may stand in one argument with blanks between them.\n\n"
	       "  ROLE_KEY=v0[,v1,...]    value n is for thread n of the role, the last one repeats\n"
	       "    ROLE: vcpu main ioth paio vncm vncs kio othr\n"
	       "    bias=CPUS             CPUs: 2, 2-3, 0+2-3\n"
	       "    sched=POLICY          fifo rr other batch idle deadline\n"
	       "    prio=N                0 time sharing, 1..99 real time\n"
	       "    nice=N                -20..19; under rr the quantum: 800 ms, ..., 4 ms\n"
	       "    runtime= deadline= period=US  of sched=deadline; runtime of other and batch: the slice\n"
	       "    ioprio=CLASS:LEVEL    rt:0..7, be:0..7, idle, none\n"
	       "    budget=AMOUNT/WINDOW  30%/100ms, 5ms/20ms; one value for the whole role\n"
	       "    name=PATTERN          threads of these names, too (*, ?)\n"
	       "  maxprio=P[,policy=ff|rr|ts][,aioprio=P][,aiopolicy=ff|rr|ts][,pvsched=on|off]\n"
	       "                          main loop, iothreads and pool workers get P, all else P - 1\n"
	       "  mlock=off|onfault|prefault|all  pi=on|off  advance=US  pool=N  preemptlock=off|US\n"
	       "  budget=AMOUNT/WINDOW  weight=1..10000\n"
	       "  of the host, by qrt-launcher: shield=off|on|PART[+PART...]  cstate=US  haltpoll=NS\n"
	       "    timerprio=N  resctrl=SCHEMATA  hugepages=off|thp|2M|1G  numa=NODES\n"
	       "    boot=other|keep|PATH  boottime=S  heartbeat=MS\n"
	       "  plan=PATH               all that a plan file says; an argument of its own, not in a file\n"
	       "qrt-plan(5) explains them.\n";
}
