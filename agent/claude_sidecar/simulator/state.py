"""What the endpoints of one simulator share."""

from dataclasses import dataclass, field

from claude_sidecar.simulator.buckets import Accounts
from claude_sidecar.simulator.clockwork import Clock
from claude_sidecar.simulator.keys import KeyRing
from claude_sidecar.simulator.models import Models
from claude_sidecar.simulator.prompt import PromptCache
from claude_sidecar.simulator.scenario import Scenario
from claude_sidecar.simulator.stored import Batch, StoredFile


@dataclass(slots=True)
class State:
    """Everything but rules and ledger. *origin* is the simulator's own base URL."""

    scenario: Scenario
    seed: int
    clock: Clock
    origin: str
    keys: KeyRing
    models: Models
    accounts: Accounts = field(default_factory=Accounts)
    cache: PromptCache = field(default_factory=PromptCache)
    files: dict[str, StoredFile] = field(default_factory=dict)
    batches: dict[str, Batch] = field(default_factory=dict)
