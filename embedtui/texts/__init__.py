"""The texts that are embedded: the packs that come with embedtui, and files of one's own."""

from embedtui.texts.load import load_texts
from embedtui.texts.pack import Labels, Qrel, Text, TextPack
from embedtui.texts.samples import PackInfo, describe_packs, pack_names, sample_texts_folder
from embedtui.texts.sampling import Sample

__all__ = [
    "Labels",
    "PackInfo",
    "Qrel",
    "Sample",
    "Text",
    "TextPack",
    "describe_packs",
    "load_texts",
    "pack_names",
    "sample_texts_folder",
]
