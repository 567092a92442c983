"""A user's module of PyTorch, from its file to a network; that executes the file."""

from __future__ import annotations

from typing import Any, Literal

from mgd_lab.errors import ConfigurationError
from mgd_lab.experiment.emulation import NetworkSettings
from mgd_lab.experiment.user_code import user_object
from sim_instruments.torch_network import TorchNetwork, each_with_its_own, torch_library

_KEY = "chip.network.module"
# Presentations of the same sample, alone and among others, agree within it in float64.
_TOLERANCE = 1e-9
_SAMPLES = 3


def torch_network(settings: NetworkSettings) -> TorchNetwork:
    """Loads the class, makes the module, and looks whether it can be emulated.

    The class is called with the generator of PyTorch seeded by 0, so that whatever it draws is the
    same again; parameters come from the experiment all the same.

    Raises:
        ConfigurationError: the file, its class or what the module computes is not as it must be.
        MissingExtraError: PyTorch is not installed.
    """
    torch = torch_library("a network of kind torch")
    name = settings.module or ""
    place, _, label = name.rpartition(":")
    found = user_object(place, label, _KEY)
    shape = settings.input or ()
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            module = found.value(**settings.arguments)
    # It is the user's code, and may fail, or end the program, in any way.
    except (Exception, SystemExit) as error:
        raise ConfigurationError(
            f"{_KEY}: {name} cannot be made with chip.network.arguments {settings.arguments}: "
            f"{type(error).__name__}: {error}"
        ) from error
    if not isinstance(module, torch.nn.Module):
        raise ConfigurationError(
            f"{_KEY}: {name} gives a {type(module).__name__}, no torch.nn.Module"
        )
    module.eval()
    outputs = _tried(torch, module, shape, name)
    _check_parameters(module, name)
    sizes = "x".join(map(str, shape))
    network = TorchNetwork(
        module,
        shape,
        outputs.shape[1],
        gives_probabilities=_gives_probabilities(torch, module, outputs, settings.output, name),
        title=f"{label} {sizes}-{outputs.shape[1]} sha256 {found.sha256[:16]}",
    )
    _check_mapping(torch, network, name)
    return network


def _tried(torch: Any, module: Any, shape: tuple[int, ...], name: str) -> Any:
    """Outputs (n, O) of a few drawn samples, after a look at their shape and independence."""
    generator = torch.Generator().manual_seed(0)
    samples = torch.rand((_SAMPLES, *shape), generator=generator, dtype=torch.float64)
    module.double()
    try:
        with torch.no_grad():
            outputs, again = module(samples), module(samples)
            alone = [module(sample[None]) for sample in samples]
    # It is the user's code, and may fail, or end the program, in any way.
    except (Exception, SystemExit) as error:
        raise ConfigurationError(
            f"{_KEY}: {name} fails on inputs (n, {', '.join(map(str, shape))}) in float64: "
            f"{type(error).__name__}: {error}"
        ) from error
    if not isinstance(outputs, torch.Tensor) or outputs.ndim != 2 or len(outputs) != _SAMPLES:
        told = tuple(outputs.shape) if isinstance(outputs, torch.Tensor) else type(outputs).__name__
        raise ConfigurationError(
            f"{_KEY}: {name} gives {told} for {_SAMPLES} samples; expected (n, outputs)"
        )
    if not torch.equal(outputs, again):
        raise ConfigurationError(
            f"{_KEY}: {name} gives other outputs for the same inputs when it is asked again; what "
            "it draws or remembers in evaluation mode cannot be emulated"
        )
    if not torch.allclose(outputs, torch.cat(alone), rtol=_TOLERANCE, atol=_TOLERANCE):
        raise ConfigurationError(
            f"{_KEY}: what {name} gives for a sample depends on the samples beside it; a chip sees "
            "one at a time. Normalise over channels (GroupNorm, LayerNorm), not over the batch"
        )
    return outputs


def _check_parameters(module: Any, name: str) -> None:
    parameters = dict(module.named_parameters())
    if not parameters:
        raise ConfigurationError(f"{_KEY}: {name} has no parameters: there is nothing to train")
    for key, parameter in parameters.items():
        if not parameter.is_floating_point() or not parameter.requires_grad:
            raise ConfigurationError(
                f"{_KEY}: parameter {key} of {name} is not to be trained (requires_grad is false, "
                "or it holds no real numbers); register what stays as it is by register_buffer"
            )


def _gives_probabilities(
    torch: Any,
    module: Any,
    outputs: Any,
    declared: Literal["values", "probabilities"] | None,
    name: str,
) -> bool:
    if declared == "values":
        return False
    ends_in_softmax = isinstance(list(module.modules())[-1], torch.nn.Softmax)
    whole = torch.allclose(outputs.sum(1), torch.ones_like(outputs[:, 0]), atol=1e-6)
    are_shares = bool(whole and (outputs >= 0).all())
    if declared == "probabilities" and not are_shares:
        raise ConfigurationError(
            f"chip.network.output: outputs of {name} are negative, or do not sum to 1; they are no "
            "probabilities"
        )
    return are_shares and (declared == "probabilities" or ends_in_softmax)


def _check_mapping(torch: Any, network: TorchNetwork, name: str) -> None:
    """Whether presentations with parameters of their own can be computed, together too."""
    generator = torch.Generator().manual_seed(1)
    samples = torch.rand((_SAMPLES, network.inputs), generator=generator, dtype=torch.float64)
    named = [parameter.detach().flatten() for parameter in network.module.parameters()]
    theta = torch.cat(named).double()
    try:
        with torch.no_grad():
            expected = network.module(samples.reshape(-1, *network.shape))
            found = each_with_its_own(network)(theta.repeat(_SAMPLES, 1), samples)
    # It is the user's code, and may fail, or end the program, in any way.
    except (Exception, SystemExit) as error:
        raise ConfigurationError(
            f"{_KEY}: {name} cannot be computed for several sets of parameters (torch.func.vmap of "
            f"functional_call): {type(error).__name__}: {error}. Keep to operations on whole "
            "tensors, without .item(), .data or branches on values"
        ) from error
    if not torch.allclose(expected, found, rtol=_TOLERANCE, atol=_TOLERANCE):
        raise ConfigurationError(
            f"{_KEY}: {name} does not compute from the parameters that it registers (torch.func."
            "functional_call gives other outputs); use self.NAME in forward"
        )
