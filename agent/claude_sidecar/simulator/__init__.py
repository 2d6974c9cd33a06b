"""A simulated Claude API with rate limits, a ledger and scripted faults."""

from claude_sidecar.simulator.app import Simulator
from claude_sidecar.simulator.scenario import Scenario
from claude_sidecar.simulator.scenario_file import ScenarioError, load, parse

__all__ = ["Scenario", "ScenarioError", "Simulator", "load", "parse"]
