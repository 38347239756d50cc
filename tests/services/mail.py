"""A mail server on loopback that takes every message and keeps it: the few commands of RFC 5321 that a client needs.

Keycloak speaks the real protocol with it. A library would do it too (aiosmtpd); for four commands it is not worth a dependency.
"""

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class MailServer:
    port: int = 0
    user: str = ""
    password: str = ""
    messages: list[str] = field(default_factory=list)
    refused: int = 0  # log-ins with another password
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(line: str) -> None:
            writer.write(f"{line}\r\n".encode())

        say("220 mail of the tests")
        while line := (await reader.readline()).decode().strip():
            verb, _, rest = line.partition(" ")
            match verb.upper():
                case "EHLO" | "HELO":
                    say("250-mail of the tests")
                    say("250 AUTH PLAIN LOGIN")
                case "AUTH":
                    kind, _, text = rest.partition(" ")
                    if kind.upper() == "PLAIN":
                        if not text:
                            say("334 ")
                            text = (await reader.readline()).decode().strip()
                        given = base64.b64decode(text).decode().split("\0")[1:]
                    else:
                        given = []
                        for prompt in ("Username:", "Password:"):
                            say("334 " + base64.b64encode(prompt.encode()).decode())
                            await writer.drain()
                            given.append(base64.b64decode((await reader.readline()).strip()).decode())
                    right = given == [self.user, self.password]
                    self.refused += not right
                    say("235 welcome" if right else "535 wrong name or password")
                case "DATA":
                    say("354 go on")
                    await writer.drain()
                    text = (await reader.readuntil(b"\r\n.\r\n")).decode()
                    self.messages.append(text)
                    self.arrived.set()
                    say("250 kept")
                case "QUIT":
                    say("221 bye")
                    break
                case _:
                    say("250 fine")
            await writer.drain()
        writer.close()


@asynccontextmanager
async def mail_server(user: str, password: str) -> AsyncIterator[MailServer]:
    one = MailServer(user=user, password=password)
    server = await asyncio.start_server(one.talk, "127.0.0.1", 0)
    one.port = server.sockets[0].getsockname()[1]
    async with server:
        yield one
