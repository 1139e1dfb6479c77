"""`az://container/path`, in Azure Blob Storage."""

import re
from typing import TYPE_CHECKING, Final

from obstore import exceptions
from obstore.store import AzureStore

from tritium.api.fetch import FetchReason
from tritium.api.source import Source
from tritium.sync import credentials as identity
from tritium.sync import server
from tritium.sync.credentials import Credentials
from tritium.sync.errors import Failed
from tritium.sync.explain import Place
from tritium.sync.guard import Guard
from tritium.sync.objects import Folder

if TYPE_CHECKING:
    from obstore.store import AzureConfig


_ACCOUNT: Final = re.compile("[a-z0-9]{3,24}")


def azure(source: Source, credentials: Credentials, guard: Guard) -> Folder:
    """The folder or object that the URI names; nothing is sent yet.

    Raises:
        Failed: it cannot be used as it is configured.
    """
    options = source.options or {}
    container, _, path = (source.uri or "").removeprefix("az://").partition("/")
    config = azure_config(options, credentials)
    place = Place(
        uri=source.uri or "",
        server=config.get("endpoint") or f"https://{config['account_name']}.blob.core.windows.net",
        credentials=credentials,
        guard=guard,
        anonymous=options.get("anonymous") == "true",
    )
    client = server.client(options, place)
    with server.explained(place):
        try:
            store = AzureStore(container, config=config, client_options=client, retry_config=server.RETRY)
        except exceptions.GenericError as error:
            # Read here, and not when something is sent. What it says may quote the key.
            if "Invalid Access Key" not in str(error):
                raise
            raise Failed(
                FetchReason.CREDENTIALS_MISSING,
                f"{identity.ACCOUNT_KEY} in Secret {credentials.secret} is no key in base64. Put one of the storage "
                "account's two keys there, as Azure shows it",
            ) from None
    return Folder(store, place, path)


def azure_config(options: dict[str, str], credentials: Credentials) -> "AzureConfig":
    """The store's settings: the account's name from the spec, or else from the Secret.

    Raises:
        Failed: `CredentialsMissing`, when the account is not named, or the Secret has neither key nor token.

    >>> azure_config({"accountName": "models", "anonymous": "true"}, Credentials())
    {'account_name': 'models', 'skip_signature': True}
    """
    values = credentials.values
    name = options.get("accountName") or values.get(identity.ACCOUNT_NAME)
    if not name:
        also = f", or as {identity.ACCOUNT_NAME} in Secret {credentials.secret}" if credentials.secret else ""
        raise Failed(
            FetchReason.CREDENTIALS_MISSING,
            f"az:// needs the storage account's name: set it as model.source.options.accountName{also}",
        )
    if not _ACCOUNT.fullmatch(name):  # it becomes part of the server's name
        raise Failed(
            FetchReason.CREDENTIALS_MISSING,
            f"{name[:60]!r} is no name of a storage account, which has 3 to 24 lower-case letters and digits: correct "
            f"model.source.options.accountName, or {identity.ACCOUNT_NAME} in the Secret",
        )
    config: AzureConfig = {"account_name": name}
    if endpoint := options.get("endpoint"):
        config["endpoint"] = endpoint.rstrip("/")
    if options.get("anonymous") == "true":
        config["skip_signature"] = True
    elif token := values.get(identity.SAS_TOKEN):
        # The portal shows it with the question mark of the URL that it is put into.
        config["sas_key"] = token.removeprefix("?")
    elif credentials.secret:
        identity.demand_keys(credentials, identity.ACCOUNT_KEY)
        config["account_key"] = values[identity.ACCOUNT_KEY]
    return config
