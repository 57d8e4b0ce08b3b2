"""What explainers need of a network: a copy whose ReLUs pass gradients back by another rule, and its last map.

The copy computes the same logits. It is a copy because a network is shared: who predicts with it meanwhile sees nothing.
"""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Literal

from core.errors import BadInput

if TYPE_CHECKING:
    import torch
    from torch import nn

Rule = Literal["plain", "guided", "relu"]
OTHERS = "choose saliency, SHAP by expected gradients (shap-gradient) or occlusion."
GATES = ("Sigmoid", "Hardsigmoid", "HardSigmoid", "Softmax", "LogSoftmax", "Identity")  # weigh maps, make none


def prepared(net: nn.Module, rule: Rule = "plain") -> nn.Module:
    """A copy of the network in which nothing works in place, for gradients of what lies between its layers.

    `rule` is how a ReLU or ReLU6 passes a gradient back: "plain" where its input was positive, "relu" where the gradient
    is (Zeiler and Fergus 2014), "guided" where both are (Springenberg et al. 2015). Raises BadInput as `only_relus`.
    """
    from torch import nn

    if rule != "plain":
        only_relus(net)
    made = copy.deepcopy(net)
    for module in list(made.modules()):
        if hasattr(module, "inplace"):
            module.inplace = False  # type: ignore[assignment]
        for name, child in module.named_children():
            if rule != "plain" and isinstance(child, (nn.ReLU, nn.ReLU6)):
                setattr(module, name, _rectifier(rule, 6.0 if isinstance(child, nn.ReLU6) else float("inf")))
    return made


def only_relus(net: nn.Module, layer: str = "") -> None:
    """Raises BadInput unless each activation layer of the network is a ReLU or ReLU6: the rules are of these alone.

    What a network computes without a layer for it (a functional activation) is not seen, and passed back as it is.
    """
    from torch import nn

    relus = 0
    for module in net.modules():
        name = type(module).__name__
        relus += isinstance(module, (nn.ReLU, nn.ReLU6))
        of = type(module).__module__
        if of in ("torch.nn.modules.activation", "timm.layers.activations", "timm.layers.activations_me") and not (
            isinstance(module, (nn.ReLU, nn.ReLU6)) or name in GATES
        ):
            raise BadInput(
                f"The network has {name} layers, and the guided and rectified ways back are made for ReLU alone: {OTHERS}"
            )
    if not relus:
        raise BadInput(
            f"The network has no ReLU layer, for which alone there are guided and rectified ways back: {OTHERS}"
        )


def last_map(net: nn.Module, size: int) -> str:
    """Name of the layer that gives a timm network's last map, (B, D, H, W) with H, W > 1, with the norm and activation
    that follow its last convolution; "" where there is none, as in a transformer, whose one convolution cuts patches."""
    import torch
    from torch import nn

    found, convolved, hooks = "", False, []

    def see(name: str, module: nn.Module, output: Any) -> None:
        nonlocal found, convolved
        if isinstance(output, torch.Tensor) and output.ndim == 4 and min(output.shape[2:]) > 1:
            found = name
            if isinstance(module, nn.Conv2d):
                convolved = convolved or module.kernel_size != module.stride or module.kernel_size == (1, 1)

    for name, module in net.named_modules():
        if not list(module.children()):
            hooks.append(module.register_forward_hook(lambda m, _, out, name=name: see(name, m, out)))
    weight = next(net.parameters(), None)
    try:
        with torch.inference_mode():
            net(torch.zeros(1, 3, size, size, device=None if weight is None else weight.device))
    finally:
        for hook in hooks:
            hook.remove()
    return found if convolved else ""


def has_map(net: nn.Module, layer: str) -> None:
    """Raises BadInput where the network has no last map: `layer` is its name, or ""."""
    if not layer:
        raise BadInput(f"The network has no convolution whose map could be looked at: {OTHERS}")


def _rectifier(rule: Rule, most: float) -> nn.Module:
    import torch
    from torch import nn

    class Rectify(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, x: torch.Tensor) -> torch.Tensor:
            if rule == "guided":
                ctx.save_for_backward((x > 0) & (x < most))
            return x.clamp(0, most)

        @staticmethod
        def backward(ctx: Any, grad: torch.Tensor) -> torch.Tensor:
            return grad.clamp(min=0) * ctx.saved_tensors[0] if rule == "guided" else grad.clamp(min=0)

    class Rectifier(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return Rectify.apply(x)  # type: ignore[return-value]

    return Rectifier()
