"""A Slurm of our own, on loopback: munged, slurmctld, and a slurmd for each of some nodes."""

import os
import shutil
import socket
import subprocess
import time

PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "srun", "scontrol", "squeue")
CONF = """
ClusterName=litmore
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire={again}
CredType=cred/munge
SlurmctldPort={port}
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/%n.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/%n.log
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool.%n
SlurmdParameters=config_overrides
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
SchedulerType=sched/backfill
SchedulerParameters=sched_interval=1,bf_interval=1,preempt_youngest_first
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
KillWait={wait}
OverTimeLimit=0
{nodes}
PartitionName=low Nodes=ALL Default=YES PriorityTier=1 GraceTime={grace} MaxTime=60
PartitionName=high Nodes=ALL PriorityTier=2 PreemptMode=OFF MaxTime=60
"""


def missing():
    """Why there can be no cluster here, or nothing."""
    if os.getuid() != 0:
        return "Slurm's daemons need root"
    lacking = [program for program in PROGRAMS if shutil.which(program) is None]
    return f"no {', '.join(lacking)}: apt-get install slurm-wlm munge" if lacking else ""


class Cluster:
    """Its daemons run while it is entered."""

    def __init__(self, folder, nodes=2, cpus=2, grace=20, wait=20, again=5):
        self.folder = folder
        self.nodes = [f"n{number}" for number in range(nodes)]
        self.daemons = {}
        ports = iter(_ports(nodes + 1))
        host = socket.gethostname()
        lines = [
            f"NodeName={name} NodeHostname={host} NodeAddr=127.0.0.1 Port={port}"
            f" CPUs={cpus} RealMemory=1000 State=UNKNOWN"
            for name, port in zip(self.nodes, ports, strict=False)
        ]
        self.environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf")}
        (folder / "slurm.conf").write_text(
            CONF.format(
                host=host, folder=folder, port=_ports(1)[0], nodes="\n".join(lines),
                grace=grace, wait=wait, again=again,
            )
        )  # fmt: skip

    def __enter__(self):
        for name in ("state", *(f"spool.{node}" for node in self.nodes)):
            (self.folder / name).mkdir()
        (self.folder / "munge.key").write_bytes(os.urandom(128))
        (self.folder / "munge.key").chmod(0o600)
        files = {"key-file": "key", "socket": "socket", "pid-file": "pid", "log-file": "log",
                 "seed-file": "seed"}  # fmt: skip
        munge = [f"--{flag}={self.folder}/munge.{name}" for flag, name in files.items()]
        try:
            self._start("munged", "--foreground", "--force", "--num-threads=2", *munge)
            self.wait_for((self.folder / "munge.socket").exists)
            self._start("slurmctld", "-D", "-c")
            for node in self.nodes:
                self.start_node(node)
            self.wait_for(lambda: self.states() == {"idle"}, 60)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        for daemon in reversed(self.daemons.values()):
            daemon.terminate()
        for daemon in self.daemons.values():
            try:
                daemon.wait(10)
            except subprocess.TimeoutExpired:
                daemon.kill()
                daemon.wait()

    def start_node(self, node):
        self._start("slurmd", "-D", "-N", node, key=node)

    def _start(self, program, *args, key=None):
        command = ["setpriv", "--pdeathsig=KILL", program, *args]  # a killed test leaves none
        with (self.folder / f"{key or program}.out").open("ab") as log:
            self.daemons[key or program] = subprocess.Popen(
                command, env=self.environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def states(self):
        return set(self.run("sinfo", "-h", "-o", "%t").split())

    def run(self, *command, check=True, **more):
        """The output of one of Slurm's commands."""
        done = subprocess.run(
            list(map(str, command)), env=self.environment, text=True, capture_output=True,
            timeout=60, check=False, **more,
        )  # fmt: skip
        assert done.returncode == 0 or not check, (command, done.stdout, done.stderr)
        return done.stdout

    def job(self, number):
        """What Slurm says of a job, {name: value}."""
        text = self.run("scontrol", "show", "job", "-o", number, check=False)
        return dict(word.partition("=")[::2] for word in text.split() if "=" in word)

    def empty(self):
        """End all jobs."""
        self.run("scancel", "--user=root", check=False)
        self.run("scancel", "--signal=KILL", "--user=root", check=False)
        self.run("scontrol", "update", "node=ALL", "state=resume", check=False)
        self.wait_for(lambda: not self.run("squeue", "-h"))

    def wait_for(self, condition, seconds=180, told=lambda: ""):
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"waited in vain {told()}"
            time.sleep(0.1)


def _ports(count):
    """Free ports."""
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return ports
