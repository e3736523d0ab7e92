"""Enters providers, domains and users into a database of the server's own schema.

By mailconfctl, the tool of admins, or as rows. A process for each command, each of which waits for
the disk, takes minutes for thousands of providers, rows take a second; a test holds both ways
against each other.
"""
import contextlib
import sqlite3

from .generator import a_labels


def providers_of(domain):
    return (domain.provider, *(user.provider for user in domain.users if user.provider))


def is_alias(domain):
    return domain.name == domain.alias


def commands(domain, domains):
    """The admin's commands for a domain; an alias goes to the domain that has its provider."""
    if is_alias(domain):
        target = next(other for other in domains if other.alias == domain.name)
        yield ("domain", "add", domain.name, "--alias-of", target.name)
        return
    for provider in providers_of(domain):
        yield (
            "provider", "add", provider.name,
            "--display-name", provider.display_name or "",
            "--login", provider.login,
            "--login-case", provider.login_case,
            "--recipient-delimiter", provider.delimiter,
            "--webmail", provider.webmail or "",
            *oauth2_options(provider.oauth2),
        )
        for link in provider.links:
            yield ("link", "add", provider.name, link.kind, link.url, *text_options(link))
        for service in provider.services:
            yield (
                "service", "add", provider.name, service.url,
                "--login", service.login or "",
                "--auth", ",".join(service.authentications),
                "--allow-plaintext",
                *(("--first",) if service.is_first else ()),
                *pop3_options(service.pop3),
            )
    yield ("domain", "add", domain.name, "--provider", domain.provider.name)
    for user in domain.users:
        other = ("--provider", user.provider.name) if user.provider else ()
        yield ("user", "add", f"{user.local}@{domain.name}", user.login, *other)


def oauth2_options(oauth2):
    for name, value in oauth2._asdict().items() if oauth2 else ():
        yield from (f"--oauth2-{name.replace('_', '-')}", value)


def pop3_options(pop3):
    for name, value in pop3._asdict().items() if pop3 else ():
        if value is not None:
            text = {True: "yes", False: "no"}[value] if isinstance(value, bool) else str(value)
            yield from (f"--{name.replace('_', '-')}", text)


def text_options(link):
    for language, text in link.texts:
        yield from ("--text", f"{language}={text}")


def insert(connection, table, **row):
    marks = ", ".join("?" * len(row))
    sql = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})"
    return connection.execute(sql, tuple(row.values())).lastrowid


def insert_links(connection, provider, links):
    for position, link in enumerate(links):
        insert(connection, "link", provider=provider, position=position, kind=link.kind, url=link.url)
        for number, (language, text) in enumerate(link.texts):
            insert(
                connection, "link_text", provider=provider, link=position, position=number,
                language=language, text=text,
            )


def insert_provider(connection, provider):
    oauth2 = provider.oauth2._asdict() if provider.oauth2 else {}
    number = insert(
        connection,
        "provider",
        name=provider.name,
        display_name=provider.display_name,
        login=provider.login,
        login_case=provider.login_case,
        recipient_delimiter=provider.delimiter,
        show_names=0,
        mx_fallback=1,
        is_implicit=0,
        webmail=provider.webmail,
        **{f"oauth2_{name}": value for name, value in oauth2.items()},
    )
    for position, service in enumerate(provider.services):
        insert(
            connection,
            "service",
            provider=number,
            position=position,
            url=service.url,
            login=service.login,
            authentications=",".join(service.authentications),
            is_first=service.is_first,
            **(service.pop3._asdict() if service.pop3 else {}),
        )
    insert_links(connection, number, provider.links)
    return number


def insert_domain(connection, domain, domains):
    name = a_labels(domain.name)
    if is_alias(domain):
        target = next(other for other in domains if other.alias == domain.name)
        insert(connection, "domain", name=name, alias_of=a_labels(target.name), is_enabled=1)
        return
    numbers = {
        provider.name: insert_provider(connection, provider) for provider in providers_of(domain)
    }
    number = numbers[domain.provider.name]
    insert(connection, "domain", name=name, provider=number, is_enabled=1)
    for user in domain.users:
        provider = numbers[user.provider.name] if user.provider else None
        insert(
            connection, "user", domain=name, local=user.local, login=user.login, provider=provider
        )


def write(file, domains):
    """Adds rows to a database that mailconfctl has made."""
    with contextlib.closing(sqlite3.connect(file)) as connection, connection:
        for domain in domains:
            insert_domain(connection, domain, domains)


def rows(file):
    """All that the tables hold."""
    tables = ("provider", "service", "link", "link_text", "domain", "user")
    with contextlib.closing(sqlite3.connect(file)) as connection:
        return {
            table: sorted(connection.execute(f"SELECT * FROM {table}"), key=repr)
            for table in tables
        }
