#!/usr/bin/python3
# SPDX-License-Identifier: ISC
#
# Makes seal.json: what the key schedule and the seal of DESIGN.md give, by
# other code than ours.  BLAKE2b is Python's own, ChaCha20-Poly1305 is written
# here from RFC 8439, XChaCha20 from draft-irtf-cfrg-xchacha-03 and proved by
# their vectors first, Argon2id is the program argon2 (Debian: argon2).
#
#	make_seal.py >seal.json

import hashlib
import json
import struct
import subprocess
import sys

MASK = 0xffffffff


def rotate(value, bits):
    return (value << bits | value >> 32 - bits) & MASK


def quarter(x, a, b, c, d):
    x[a] = (x[a] + x[b]) & MASK
    x[d] = rotate(x[d] ^ x[a], 16)
    x[c] = (x[c] + x[d]) & MASK
    x[b] = rotate(x[b] ^ x[c], 12)
    x[a] = (x[a] + x[b]) & MASK
    x[d] = rotate(x[d] ^ x[a], 8)
    x[c] = (x[c] + x[d]) & MASK
    x[b] = rotate(x[b] ^ x[c], 7)


def rounds(key, last):
    """The state before and after twenty rounds; last: 16 bytes behind key."""
    before = list(struct.unpack("<4I8I4I", b"expand 32-byte k" + key + last))
    x = before[:]
    for _ in range(10):
        quarter(x, 0, 4, 8, 12)
        quarter(x, 1, 5, 9, 13)
        quarter(x, 2, 6, 10, 14)
        quarter(x, 3, 7, 11, 15)
        quarter(x, 0, 5, 10, 15)
        quarter(x, 1, 6, 11, 12)
        quarter(x, 2, 7, 8, 13)
        quarter(x, 3, 4, 9, 14)
    return before, x


def hchacha20(key, nonce):
    _, x = rounds(key, nonce)
    return struct.pack("<8I", *x[0:4], *x[12:16])


def chacha20_block(key, counter, nonce):
    before, x = rounds(key, struct.pack("<I", counter) + nonce)
    return struct.pack("<16I", *((a + b) & MASK for a, b in zip(before, x)))


def chacha20(key, counter, nonce, text):
    out = bytearray()
    for at in range(0, len(text), 64):
        block = chacha20_block(key, counter + at // 64, nonce)
        out += bytes(a ^ b for a, b in zip(text[at:at + 64], block))
    return bytes(out)


def poly1305(key, message):
    r = int.from_bytes(key[:16], "little") & \
        0x0ffffffc0ffffffc0ffffffc0fffffff
    s = int.from_bytes(key[16:], "little")
    total = 0
    for at in range(0, len(message), 16):
        part = int.from_bytes(message[at:at + 16] + b"\1", "little")
        total = (total + part) * r % ((1 << 130) - 5)
    return ((total + s) % (1 << 128)).to_bytes(16, "little")


def padded(text):
    return text + bytes(-len(text) % 16)


def chacha20_poly1305(key, nonce, text, bound):
    one_time_key = chacha20_block(key, 0, nonce)[:32]
    sealed = chacha20(key, 1, nonce, text)
    return sealed + poly1305(one_time_key, padded(bound) + padded(sealed) +
                             struct.pack("<QQ", len(bound), len(sealed)))


def xchacha20_poly1305(key, nonce, text, bound):
    return chacha20_poly1305(hchacha20(key, nonce[:16]),
                             bytes(4) + nonce[16:], text, bound)


def prove():
    """The vectors of RFC 8439 2.8.2 and of the draft, 2.2.1 and A.3.1."""
    text = (b"Ladies and Gentlemen of the class of '99: If I could offer you "
            b"only one tip for the future, sunscreen would be it.")
    bound = bytes.fromhex("50515253c0c1c2c3c4c5c6c7")
    key = bytes(range(0x80, 0xa0))
    sealed = chacha20_poly1305(
        key, bytes.fromhex("070000004041424344454647"), text, bound)
    assert sealed[-16:].hex() == "1ae10b594f09e26a7e902ecbd0600691"
    assert sealed[:8].hex() == "d31a8d34648e60db"
    assert hchacha20(
        bytes(range(32)),
        bytes.fromhex("000000090000004a0000000031415927")).hex() == \
        "82413b4227b27bfed30e42508a877d73" \
        "a0f9e4d58a74a853c12ec41326d3ecdc"
    sealed = xchacha20_poly1305(key, bytes(range(0x40, 0x58)), text, bound)
    assert sealed[-16:].hex() == "c0875924c1c7987947deafd8780acf49"
    assert sealed[:8].hex() == "bd6d179d3e83d43b"


def blake2b(text, size=32, key=b""):
    return hashlib.blake2b(text, digest_size=size, key=key).digest()


def subkey(key, number, context):
    """crypto_kdf_derive_from_key of libsodium."""
    return hashlib.blake2b(b"", digest_size=32, key=key,
                           salt=struct.pack("<QQ", number, 0),
                           person=context.encode() + bytes(8)).digest()


def invented(label, size):
    """Bytes that look like any others and are the same each time."""
    return hashlib.shake_128(b"oncelink vectors " + label.encode()).digest(
        size)


def pin_salt(token):
    return blake2b(b"oncelink pin salt" + token, 16)


def token_for(label):
    """A token whose salt can be an argument of a program."""
    number = 0
    while True:
        token = invented("token %s %d" % (label, number), 16)
        if 0 not in pin_salt(token):
            return token
        number += 1


def argon2id(pin, salt, passes, memory):
    out = subprocess.run(
        ["argon2", salt, "-id", "-t", str(passes), "-k", str(memory), "-p",
         "1", "-l", "32", "-r"], input=pin, stdout=subprocess.PIPE,
        check=True)
    return bytes.fromhex(out.stdout.decode().strip())


class Keyring:
    def __init__(self, lookup, seals):
        self.uses = [subkey(lookup, use, "oncelook") for use in range(1, 10)]
        self.seals = {number: (subkey(key, 1, "onceseal"),
                               subkey(key, 2, "onceseal"))
                      for number, key in seals.items()}

    def described(self, form):
        form["subkeys"] = [key.hex() for key in self.uses]
        form["newest"] = max(self.seals)
        form["seal_keys"] = [
            {"key_id": number, "seal": seal.hex(), "verify": verify.hex()}
            for number, (seal, verify) in self.seals.items()]
        return form


def case(name, keyrings, which, key_id, kind, expires_at, payload, pin=None,
         passes=0, memory=0, gate=None):
    keyring = keyrings[which]
    seal, verify = keyring.seals[key_id]
    token = token_for(name)
    receipt = invented("receipt " + name, 16)
    claim = invented("claim " + name, 16)
    nonce = invented("nonce " + name, 24)
    stretch = gate
    if pin is not None:
        stretch = argon2id(pin, pin_salt(token), passes, memory)
    lookup = blake2b(token, key=keyring.uses[0])
    key = blake2b(bytes(32) + token + (stretch or b""), key=seal)
    tag = b"O\1"
    bound = tag + lookup + struct.pack("<BqIIII", kind, expires_at, passes,
                                       memory, key_id, 0)
    return {
        "name": name, "keyring": which, "key_id": key_id, "epoch": 0,
        "kind": kind, "expires_at": expires_at,
        "passes": passes, "memory": memory,
        "token": token.hex(), "lookup": lookup.hex(),
        "log_name": blake2b(lookup, key=keyring.uses[3])[:4].hex(),
        "receipt": receipt.hex(),
        "receipt_hash": blake2b(receipt, key=keyring.uses[1]).hex(),
        "claim": claim.hex(),
        "claim_hash": blake2b(lookup + claim, key=keyring.uses[2]).hex(),
        "pin": None if pin is None else pin.hex(),
        "stretch": None if stretch is None else stretch.hex(),
        "verifier": blake2b(token + (stretch or b""), key=verify).hex(),
        "payload": payload.hex(),
        "record": (tag + nonce + xchacha20_poly1305(
            key, nonce, payload, bound)).hex(),
    }


def note(keyring, name, use, text):
    """What an account wrote, sealed with the seventh subkey."""
    owner, nonce = invented("owner " + name, 32), invented("note " + name, 24)
    tag = b"N\1"
    return {
        "name": name, "use": use, "owner": owner.hex(), "text": text.hex(),
        "note": (tag + nonce + xchacha20_poly1305(
            keyring.uses[6], nonce, text, tag + bytes([use]) + owner)).hex(),
    }


def client(keyring, name, hour, network):
    """A client's name in an hour, with the ninth subkey."""
    day = invented("day " + name, 32)
    return {
        "name": name, "day": day.hex(), "hour": hour, "network": network.hex(),
        "hash": blake2b(day + struct.pack("<q", hour) + network,
                        key=keyring.uses[8]).hex(),
    }


def challenge(keyring, name, expires_at, bits=16):
    """A challenge and the least number that solves it."""
    salt, lookup = invented("salt " + name, 16), invented("row " + name, 32)
    number = 0
    while int.from_bytes(hashlib.sha256(salt + struct.pack(
            ">Q", number)).digest(), "big") >> 256 - bits:
        number += 1
    return {
        "name": name, "salt": salt.hex(), "lookup": lookup.hex(),
        "bits": bits, "expires_at": expires_at, "n": number,
        "mac": blake2b(salt + struct.pack(">BQ", bits, expires_at) + lookup,
                       key=keyring.uses[7]).hex(),
    }


def base62(token):
    digits = ("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
              "abcdefghijklmnopqrstuvwxyz")
    number, text = int.from_bytes(token, "big"), ""
    for _ in range(22):
        number, digit = divmod(number, 62)
        text = digits[digit] + text
    assert number == 0
    return {"token": token.hex(), "base62": text}


def main():
    prove()
    lookup = invented("lookup key", 32)
    seals = {1: invented("seal key 1", 32), 7: invented("seal key 7", 32)}
    text = "oncelink-keys 1\nlookup %s\n" % lookup.hex()
    for number, key in seals.items():
        text += "seal %d %s\n" % (number, key.hex())
    sign_key = "a SIGN_KEY of more than sixteen bytes"
    signed = blake2b(b"oncelink SIGN_KEY" + sign_key.encode())
    keyrings = {"file": Keyring(lookup, seals),
                "sign_key": Keyring(signed, {0: signed})}
    at = 1795305600000
    vectors = {
        "about": "Made by make_seal.py; bytes are in hex, expires_at is in "
                 "ms since 1970, memory in KiB.",
        "keyrings": {
            "file": keyrings["file"].described({"text": text}),
            "sign_key": keyrings["sign_key"].described(
                {"sign_key": sign_key}),
        },
        "cases": [
            case("no PIN, an older key", keyrings, "file", 1, 1, at,
                 b"a message"),
            case("a gate", keyrings, "file", 7, 4, at + 1,
                 invented("envelope", 549), gate=invented("gate", 32)),
            case("a PIN, least parameters", keyrings, "file", 7, 1, at,
                 b"sixty-four bytes of message, which is one block of "
                 b"ChaCha20 ..!!", b"12345", 1, 8192),
            case("a PIN, default parameters", keyrings, "file", 7, 2,
                 at + 999, "påsk och råg".encode(), "lösen 😀".encode(), 2,
                 19456),
            case("nothing inside", keyrings, "sign_key", 0, 2,
                 (1 << 53) + 1, b""),
            case("SIGN_KEY and a PIN", keyrings, "sign_key", 0, 1, at,
                 invented("message", 1000), b"0", 3, 8200),
        ],
    }
    ring = keyrings["file"]
    key = "private_key_0123456789ABCDEFGHIJKLMNOPQRSTUV"
    vectors["notes"] = [
        note(ring, "nothing", 1, b""),
        note(ring, "a listing", 1, invented("listing", 70)),
        note(ring, "a message", 2, "hälsning 🔑".encode()),
        note(ring, "a viewer", 3, b"\t192.0.2.0a browser"),
        note(ring, "a letter", 5, invented("letter", 700)),
    ]
    vectors["clients"] = [
        client(ring, "IPv4", at // 3600000,
               bytes(10) + b"\xff\xff" + bytes([192, 0, 2, 1])),
        client(ring, "IPv6", at // 3600000 + 1,
               bytes.fromhex("20010db812345600") + bytes(8)),
    ]
    vectors["challenges"] = [
        challenge(ring, "one", at // 1000),
        challenge(ring, "two", 1 << 40),
        challenge(ring, "harder", at // 1000, 18),
        challenge(ring, "too easy", at // 1000, 15),
    ]
    vectors["tokens"] = [
        base62(token) for token in (
            bytes(16), bytes(15) + b"\1", bytes(15) + b"\x3e", b"\xff" * 16,
            b"\x80" + bytes(15), invented("token", 16),
            invented("token again", 16))
    ]
    vectors["api_keys"] = [
        {"key": key, "hash": blake2b(key.encode(), key=ring.uses[4]).hex()},
    ]
    json.dump(vectors, sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
