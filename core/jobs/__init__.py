"""A job is a row: submit, claim, lease, fence, cancel, run. See THREATS.md, "Jobs", for what must hold.

supervise.py one worker for each database and machine: claims jobs, starts their processes, ends them, goes on after crashes
job.py       what a job's own process does: run the step, keep the row up to date, stop when asked
presence.py  who is there: the worker's lock, the web server's lock, starting a worker where there is none
watch.py     looking on: wait for a job, its log, how long it will take

store.submit() queues a job, ensure_worker() sees that somebody takes it, store.cancel() asks it to stop.
"""

from __future__ import annotations

from core.jobs.job import run
from core.jobs.presence import ensure_worker, web_present
from core.jobs.supervise import worker
from core.jobs.watch import eta, log_path, log_tail, wait, waiting

__all__ = ["ensure_worker", "eta", "log_path", "log_tail", "run", "wait", "waiting", "web_present", "worker"]
