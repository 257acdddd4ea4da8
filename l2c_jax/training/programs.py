"""Functions that are compiled once for a machine: jitted, and kept on disk between processes.

A process that finds a program on disk neither traces nor compiles it. No setting of JAX is
changed, and nothing happens at import. Whatever cannot be kept (see :class:`Program`) is compiled
by ``jax.jit`` as usual.
"""

import importlib
import os
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

import jax
import numpy as np
from jaxlib import xla_client

from l2c_jax.training.program_files import (
    StoredProgram,
    program_folder,
    program_key,
    read_program,
    setting,
    settings,
    write_program,
)
from l2c_jax.types import PyTree

KEPT = 16
"""Compiled forms of a program that stay in memory."""
QUICK = {"xla_cpu_use_fusion_emitters": False, "xla_backend_optimization_level": 1}
"""XLA's options on a CPU: half the time to compile, and the same time to run."""
_PACKAGE = "l2c_jax."
_CHECKS = ("jax_disable_jit", "jax_debug_nans", "jax_debug_infs", "jax_check_tracer_leaks")
"""Settings of JAX under which a function has to be run by ``jax.jit`` itself."""


class Program:
    """A function of arrays, jitted, whose compiled forms are kept on disk.

    It is kept if the key on disk can say all about it: a named function of this package, for a
    CPU, of arrays on the default device and named configurations. With typed keys, functions
    among the arguments, or JAX's settings for debugging, it is what ``jax.jit`` makes of it. Where
    JAX's own cache is on, files are read and none is written.

    Args:
      function: of pytrees of arrays; to be kept, it returns a pytree of tuples, lists, dicts and
        this package's named tuples.
      static_argnames: arguments that are compiled in; they are given by name.

    Example:
      >>> double = Program(lambda array: 2 * array)
      >>> double.start(jax.ShapeDtypeStruct((2,), np.float32)).shape  # of the answer
      (2,)
      >>> double(np.ones(2, np.float32)).tolist()
      [2.0, 2.0]
    """

    def __init__(
        self,
        function: Callable[..., Any],
        static_argnames: Sequence[str] = (),
    ):
        self._jitted: Any = jax.jit(function, static_argnames=static_argnames, keep_unused=True)
        self._name = f"{function.__module__}.{function.__qualname__}"
        self._own = self._name.startswith(_PACKAGE) and "<" not in self._name
        self._lock = threading.Lock()
        self._known: OrderedDict[Hashable, Future] = OrderedDict()

    def __call__(self, *args: PyTree, **static: Any) -> PyTree:
        """The value of the function, loaded or compiled if need be."""
        return self.ready(*args, **static)(*args)

    def start(self, *args: PyTree, **static: Any) -> PyTree:
        """Begin to load or compile in the background; a later call waits until that is done.

        Args:
          args: arrays, or ``jax.ShapeDtypeStruct`` of their shapes.
          static: static arguments.

        Returns:
          The ``jax.ShapeDtypeStruct`` of the answer.
        """
        leaves, tree = jax.tree.flatten(args)
        if not _usual(leaves):
            return jax.eval_shape(lambda *args: self._jitted(*args, **static), *args)
        return self._compiled(leaves, tree, args, static).result()[0]

    def ready(self, *args: PyTree, **static: Any) -> Callable[..., PyTree]:
        """The compiled form for arguments of these shapes, a function of such arguments."""
        leaves, tree = jax.tree.flatten(args)
        if not _usual(leaves):
            return lambda *args: self._jitted(*args, **static)
        found = self._compiled(leaves, tree, args, static).result()[1].result()
        if found is None:  # a file that this XLA cannot load
            found = self._compiled(leaves, tree, args, static, anew=True).result()[1].result()
        return found

    def _compiled(
        self,
        leaves: list[Any],
        tree: Any,
        args: tuple[PyTree, ...],
        static: dict[str, Any],
        *,
        anew: bool = False,
    ) -> Future:
        """Of the shapes of the answer, and of another future: the function."""
        shapes = tuple((leaf.shape, leaf.dtype, _weak(leaf)) for leaf in leaves)
        device, folder = _default_device(), program_folder()
        own = (tree, shapes, tuple(sorted(static.items())), device, folder, settings())
        with self._lock:
            known = self._known.get(own)
            if known is not None and not anew:
                self._known.move_to_end(own)
                return known
            self._known[own] = known = Future()
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        try:
            signature = f"{tree} {shapes} {sorted(static.items())}"
            named = self._own and "<" not in signature  # as in the text of a function
            if folder is None or device.platform != "cpu" or not named:
                known.set_result(self._compile(args, static, device, None))
            else:
                key = program_key(device, self._name, signature, repr(QUICK))
                kept = None if anew else self._load(folder, key, device)
                known.set_result(kept or self._compile(args, static, device, (folder, key)))
        except BaseException as error:
            with self._lock:
                self._known.pop(own, None)
            known.set_exception(error)
        return known

    def _load(self, folder: Path, key: str, device: jax.Device) -> tuple[PyTree, Future] | None:
        """From disk, if it is there."""
        stored = read_program(folder, key)
        if stored is None:
            return None
        try:
            answer = _tree_of(stored.header["answer"])
        except (KeyError, TypeError, ValueError, AttributeError, ImportError):
            return None
        structure = jax.tree.structure(answer)
        return answer, _pool().submit(_loaded, stored.executable, structure, device)

    def _compile(
        self,
        args: tuple[PyTree, ...],
        static: dict[str, Any],
        device: jax.Device,
        place: tuple[Path, str] | None,
    ) -> tuple[PyTree, Future]:
        """Traced here, compiled in the background, and kept if there is a place for it."""
        lowered = self._jitted.lower(*args, **static)
        answer = lowered.out_info
        if setting("jax_compilation_cache_dir") is not None:
            place = None  # what JAX's cache gives back cannot be serialized again: parts are lost

        def finish() -> Callable[..., PyTree]:
            compiled = _compiled_fast(lowered, device)
            if place is None:
                return compiled
            try:
                header = {"program": self._name, "answer": _description(answer)}
                executable = compiled.runtime_executable().serialize()
                write_program(*place, StoredProgram(header, executable))
            except (ValueError, AttributeError, RuntimeError, NotImplementedError):
                pass  # it has no such form
            return compiled

        return answer, _pool().submit(finish)


def _compiled_fast(lowered: Any, device: jax.Device) -> Any:
    """A lowered program compiled, on a CPU with :data:`QUICK`, except for what was chosen."""
    chosen = os.environ.get("XLA_FLAGS", "")
    plain = device.platform != "cpu" or setting("jax_disable_most_optimizations")
    options = {} if plain else {k: v for k, v in QUICK.items() if k not in chosen}
    try:
        return lowered.compile(options)
    except (RuntimeError, ValueError):
        if not options:
            raise
    return lowered.compile()  # another version, without these options


def _usual(leaves: list[Any]) -> bool:
    """Whether arguments are arrays of numbers that no other device holds, outside of ``jit``."""
    if any(map(setting, _CHECKS)):
        return False
    device = _default_device()
    return isinstance(device, jax.Device) and all(
        isinstance(leaf, (np.ndarray, np.generic, jax.ShapeDtypeStruct))
        or (
            isinstance(leaf, jax.Array)
            and not isinstance(leaf, jax.core.Tracer)
            and not jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.extended)
            and leaf.devices() == {device}
        )
        for leaf in leaves
    )


def _default_device() -> Any:
    return setting("jax_default_device") or jax.local_devices()[0]


def _weak(leaf: Any) -> bool:
    return getattr(leaf, "weak_type", False)


def _loaded(executable: bytes, structure: Any, device: jax.Device) -> Callable[..., PyTree] | None:
    """The function of a serialized executable; ``None`` if it cannot be loaded."""
    try:
        devices = xla_client.DeviceList((device,))
        program = device.client.deserialize_executable(executable, executable_devices=devices)
    except (RuntimeError, ValueError, TypeError, AttributeError):
        return None

    def call(*args: PyTree) -> PyTree:
        arrays = [
            leaf if isinstance(leaf, jax.Array) else jax.device_put(leaf, device)
            for leaf in jax.tree.leaves(args)
        ]
        return jax.tree.unflatten(structure, program.execute(arrays))

    return call


@cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(4, thread_name_prefix="l2c_jax_programs")


def _description(tree: PyTree) -> Any:
    """A tree of ``jax.ShapeDtypeStruct`` as JSON.

    Raises:
      ValueError: if it has nodes of other kinds than :class:`Program` names.
    """
    if tree is None:
        return None
    if isinstance(tree, dict):
        return {"dict": {name: _description(part) for name, part in tree.items()}}
    if isinstance(tree, (tuple, list)):
        kind, parts = type(tree), [_description(part) for part in tree]
        if kind in (tuple, list):
            return {kind.__name__: parts}
        if hasattr(kind, "_fields") and kind.__module__.startswith(_PACKAGE):
            return {"named": [kind.__module__, kind.__qualname__], "parts": parts}
    if jax.tree_util.all_leaves([tree]):
        return {"shape": list(tree.shape), "type": str(tree.dtype)}
    raise ValueError(f"{type(tree)} cannot be described")


def _tree_of(description: Any) -> PyTree:
    """The tree of a description."""
    if description is None:
        return None
    if "shape" in description:
        return jax.ShapeDtypeStruct(tuple(description["shape"]), np.dtype(description["type"]))
    if "dict" in description:
        return {name: _tree_of(part) for name, part in description["dict"].items()}
    if "named" in description:
        module, name = description["named"]
        if not module.startswith(_PACKAGE):
            raise ValueError(f"{module} is not of this package")
        kind = getattr(importlib.import_module(module), name)
        return kind(*map(_tree_of, description["parts"]))
    kind, parts = next(iter(description.items()))
    return {"tuple": tuple, "list": list}[kind](map(_tree_of, parts))
