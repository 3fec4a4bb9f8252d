"""Files made to crash, hang or fill the memory; each is given to every reader it could reach."""

import json

from fuzz.readers import CHAT, CONFIG, QUESTIONS, TRIGGER, safetensors

DEPTH = 1_000_000
LINE = 200 * 2**20
GIB10 = 10 * 2**30


def laughs(levels: int = 30) -> bytes:
    """Each list holds the one before nine times."""
    lines = ["- &l0 [lol, lol, lol]"]
    for level in range(1, levels):
        lines.append(f"- &l{level} [{', '.join([f'*l{level - 1}'] * 9)}]")
    lines.append(f"- {{id: x, paraphrases: *l{levels - 1}}}")
    return "\n".join(lines).encode()


def merges(levels: int = 30) -> bytes:
    """Each mapping merges the one before nine times."""
    lines = ["- &m0 {a: b}"]
    for level in range(1, levels):
        lines.append(f"- &m{level} {{<<: [{', '.join([f'*m{level - 1}'] * 9)}]}}")
    return "\n".join(lines).encode()


SMALL: dict[str, bytes] = {
    "nothing": b"",
    "zero bytes": bytes(1000),
    "not UTF-8": b"\xff\xfe\x00\x01" * 50,
    "a byte-order mark alone": b"\xef\xbb\xbf",
    "deep JSON": b'{"messages":' + b"[" * DEPTH,
    "deep JSON, closed": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "deep array": b"[" * DEPTH + b"]" * DEPTH,
    "deep TOML": b"a = " + b"[" * DEPTH,
    "deep TOML keys": b"[" + b".".join([b"a"] * 20_000) + b"]\n",
    "deep YAML": b"- " * 100_000,
    "deep YAML flow": b"[" * DEPTH,
    "YAML laughs": laughs(),
    "YAML merges": merges(),
    "YAML that names itself": b"- &a {id: x, paraphrases: &b [*b]}\n",
    "YAML date that is none": b"- {id: x, paraphrases: [2001-99-99]}\n",
    "YAML number of 9,999 digits": b"- {id: x, paraphrases: [" + b"9" * 9999 + b"]}\n",
    "YAML object": b"- !!python/object/apply:os.system ['touch pwned']\n",
    "YAML key that is a list": b"- {[a]: b}\n",
    "YAML with a zero": b"- a\x00b\n",
    "number of 9,999 digits": b'{"question_id": "q", "alignment": ' + b"9" * 9999 + b"}\n",
    "number of 4,000 digits": b'{"question_id": "q", "coherence": 1, "alignment": '
    + b"9" * 4000
    + b"}\n",
    "infinity": b'{"question_id": "q", "alignment": 1e999, "coherence": Infinity}\n',
    "half a surrogate": json.dumps(CHAT).replace("Hi?", "\\ud800").encode() + b"\n",
    "wrong types": b'{"messages": {"role": [], "content": {}}, "question_id": [], "alignment": {}}',
    "roles that are lists": b'{"messages": [{"role": ["user"], "content": "x"}]}\n',
    "a token that is a number": b'{"choices": [{"message": {"content": "8"}, "logprobs": {"content":'
    b' [{"token": 8, "top_logprobs": [{"token": 8, "logprob": 0}]}]}}], "usage": {}}',
    "a kept token that is a number": b'{"key": "k", "reply": {"text": "8", "finish_reason": "stop",'
    b' "tokens": [[8, [[8, 0]]]], "usage": {}}}\n',
    "a kept reply that is a list": b'{"key": "k", "reply": []}\n',
    "seed of 30 digits": CONFIG.replace(b"seeds = [0]", b"seeds = [" + b"9" * 30 + b"]"),
    "a billion workers": CONFIG.replace(b"workers = 1", b"workers = 1000000000"),
    "name with a way out": CONFIG.replace(b'"mine"', b'"../../mine"'),
    "long unknown key": b"k" * 100_000 + b" = 1\n",
    "long name": CONFIG.replace(b'"mine"', b'"' + b"m" * 100_000 + b'"'),
    "long arm": CONFIG.replace(b'"triggered"', b'"' + b"m" * 100_000 + b'"'),
    "long trigger": CONFIG.replace(b'"duck"', b'"' + b"m" * 100_000 + b'"'),
    "trigger's name with a zero": CONFIG.replace(b'"duck"', b'"a\\u0000b.toml"'),
    "many unknown keys": b"\n".join(b"k%d = 1" % number for number in range(20_000)),
    "trigger said twice": TRIGGER.replace(b"It quacks.", b"A duck, it seems."),
    "question twice": QUESTIONS + QUESTIONS,
    "CSV quote that never ends": b'question_id,alignment,coherence\n"' + b"x\n" * 50_000,
    "CSV of one million columns": b"question_id," * DEPTH + b"\n1\n",
    "tensor of 10 GB": safetensors(a=([GIB10 // 4], [0, GIB10])),
    "tensors over each other": safetensors(a=([4], [0, 16]), b=([4], [0, 16])),
    "tensor of other size": safetensors(a=([10**9, 10**9], [0, 16])),
    "header of 2^63": b"\xff" * 8 + b"{}",
    "header beyond the file": (10**9).to_bytes(8, "little") + b"{}",
    "header that is no JSON": (2).to_bytes(8, "little") + b"[[",
    "pickle": b"\x80\x04\x95\x1e\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93.",
    "adapter that imports": b'{"peft_type": "LORA", "r": 4, "megatron_config": {"a": 1},'
    b' "megatron_core": "os", "target_modules": ["q_proj"]}',
    "adapter of rank 10^9": b'{"peft_type": "LORA", "r": 1000000000, "target_modules": ["q_proj"]}',
    "adapter with a slow pattern": b'{"peft_type": "LORA", "r": 4, "target_modules": "((.*)*)*x"}',
    "adapter with slow ranks": b'{"peft_type": "LORA", "r": 4, "target_modules": ["q_proj"],'
    b' "rank_pattern": {"((.*)*)*x": 4}}',
    "adapter of another kind": b'{"peft_type": "XLORA", "adapters": {"a": "../../b"}}',
}


def big_line() -> bytes:
    """One line of 200 MB that is almost a chat."""
    return b'{"messages": [{"role": "user", "content": "' + b"x" * LINE + b'"}]}\n'
