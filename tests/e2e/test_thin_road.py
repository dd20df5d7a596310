"""The thin road: two browsers, one invite, one encrypted message, a reload."""

from tests.e2e.canaries import Search, canaries
from tests.e2e.company import Company

TITLE = "Tuesday supervision"


def test_one_encrypted_message_from_browser_to_browser_and_a_reload(company: Company) -> None:
    question, answer = canaries(2, seed=3)
    ada = company.founder("Ada", TITLE)
    ben = company.join(ada, TITLE, "Ben")

    ada.say(question)
    ben.reads(question)
    ben.say(answer)
    ada.reads(answer)

    for person in (ada, ben):
        person.reload()
        person.in_group(TITLE)
        person.reads(question)
        person.reads(answer)
    ada.say("And after a reload?")
    ben.reads("And after a reload?")

    search = Search([question, answer])
    for name, content in company.house.files().items():
        assert not search.found(content), name
    for person in (ada, ben):
        assert not search.found(b"".join(person.relay.raw))
        assert not person.relay.strangers
