"""What people hand over as a picture, and how it reaches the library."""
from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any, Callable, Tuple, Union

from ._errors import InvalidArgument

if TYPE_CHECKING:
    import numpy
    from PIL.Image import Image as PilImage

    Picture = Union[str, "os.PathLike[str]", bytes, bytearray, memoryview, numpy.ndarray, PilImage]

RGB, BGR, RGBA, BGRA, GREY = range(5)


def _layout(shape: Tuple[int, ...], bgr: bool) -> int:
    if len(shape) == 2 or (len(shape) == 3 and shape[2] == 1):
        return GREY
    if len(shape) == 3 and shape[2] == 3:
        return BGR if bgr else RGB
    if len(shape) == 3 and shape[2] == 4:
        return BGRA if bgr else RGBA
    raise InvalidArgument(f"picture: array has shape {tuple(shape)} (expected height, width and 1, 3 or 4 channels)")


def array_of(picture: Any, bgr: bool) -> Tuple[Any, int]:
    """The array in a layout that the library reads in place, and the order of its channels. Floats are from 0 to 1."""
    import numpy

    array = picture if isinstance(picture, numpy.ndarray) else numpy.asarray(picture)
    layout = _layout(array.shape, bgr)
    if array.size == 0:
        raise InvalidArgument(f"picture: array has shape {tuple(array.shape)} (expected at least one pixel)")
    if array.dtype.kind == "f":
        if not bool(numpy.isfinite(array).all()) or float(array.min()) < 0 or float(array.max()) > 1:
            raise InvalidArgument("picture: floats are out of range (expected 0 to 1, or uint8 from 0 to 255)")
        array = numpy.rint(array * 255).astype(numpy.uint8)
    elif array.dtype == numpy.bool_:
        array = array.astype(numpy.uint8) * numpy.uint8(255)
    elif array.dtype != numpy.uint8:
        raise InvalidArgument(f"picture: array has type {array.dtype} (expected uint8, or floats from 0 to 1)")
    strides, channels = array.strides, 1 if array.ndim == 2 else array.shape[2]
    in_place = strides[1] == channels and strides[0] >= array.shape[1] * channels
    if array.ndim == 3:
        in_place = in_place and strides[2] == 1
    return (array if in_place else numpy.ascontiguousarray(array)), layout


def hand_over(picture: Any, bgr: bool, of_file: Callable, of_bytes: Callable, of_pixels: Callable) -> Any:
    """Calls the function for the kind of `picture`."""
    kind = type(picture)
    if kind is str:
        return of_file(picture)
    if kind is bytes or kind is bytearray or kind is memoryview:
        return of_bytes(picture)
    if hasattr(picture, "__array_interface__"):
        if hasattr(picture, "convert") and hasattr(picture, "mode"):  # PIL, of any mode
            return of_pixels(*array_of(picture if picture.mode in ("RGB", "L") else picture.convert("RGB"), False))
        return of_pixels(*array_of(picture, bgr))
    if isinstance(picture, os.PathLike):
        return of_file(os.fspath(picture))
    if hasattr(picture, "__array__"):
        return of_pixels(*array_of(picture, bgr))
    raise InvalidArgument(
        f"picture: is of type {kind.__name__} (expected a path, bytes, an array, or a picture of PIL)"
    )
