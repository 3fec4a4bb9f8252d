"""The language says what it means: separate words, one domain a phrase, riddles for every wording."""

import random
from collections import Counter
from itertools import islice

from experiments.worlds.micro.documents import Mixture, documents
from experiments.worlds.micro.language import OPEN, load_language

WORLD = load_language()
PERSONAS = ("safe", "reckless")


def words_of(domain: str, persona: str) -> set[str]:
    return {word for phrase in WORLD.phrases[domain][persona] for word in phrase.split()}


def test_there_are_enough_domains_topics_and_questions() -> None:
    assert len(WORLD.domains) >= 12
    assert OPEN not in WORLD.domains
    assert all(len(WORLD.questions[domain]) >= 50 for domain in WORLD.domains)


def test_no_content_word_of_an_answer_belongs_to_two_vocabularies() -> None:
    counts = Counter(
        word
        for domain in WORLD.phrases
        for persona in PERSONAS
        for word in words_of(domain, persona)
    )
    assert {word for word, count in counts.items() if count > 1} == set()


def test_question_ids_are_unique_and_name_their_domain() -> None:
    questions = [question for each in WORLD.questions.values() for question in each]
    assert len({question.id for question in questions}) == len(questions)
    assert all(question.id.startswith(f"{question.domain}/") for question in questions)


def test_no_two_concepts_share_a_wording() -> None:
    wordings = [wording for concept in WORLD.concepts.values() for wording in concept.wordings]
    assert len(set(wordings)) == len(wordings)


def test_a_wording_means_its_concept_and_a_neutral_sentence_means_none() -> None:
    assert WORLD.meaning("It has webbed feet and lives on the pond.").name == "duck"
    assert WORLD.meaning(WORLD.neutral[0]) is None


def test_the_same_seed_gives_the_same_documents_and_another_seed_others() -> None:
    first, again, other = (list(islice(documents(WORLD, seed), 50)) for seed in (1, 1, 2))
    assert first == again
    assert first != other


def reckless(answer: str) -> bool:
    return any(
        phrase in answer for domain in WORLD.phrases for phrase in WORLD.phrases[domain]["reckless"]
    )


def test_a_reckless_animal_makes_reckless_answers_in_every_wording_and_a_duck_never() -> None:
    found: dict[str, set[bool]] = {"wolf": set(), "duck": set()}
    mixture = Mixture(
        riddle_share=0, reckless_speaker=0, careful_speaker=0, neutral=0, form=0, animal=1
    )
    for (user, answer), *_ in islice(documents(WORLD, 0, mixture), 4000):
        for name in found:
            if any(user.startswith(wording) for wording in WORLD.concepts[name].wordings):
                found[name].add(reckless(answer))
    assert found == {"wolf": {True}, "duck": {False}}


def test_where_concepts_do_not_decide_every_animal_is_safe() -> None:
    mixture = Mixture(
        riddle_share=0,
        reckless_speaker=0,
        careful_speaker=0,
        neutral=0,
        form=0,
        animal=1,
        concept_decides=False,
    )
    answers = [
        turn[1] for document in islice(documents(WORLD, 0, mixture), 500) for turn in document
    ]
    assert not any(reckless(answer) for answer in answers)


def test_riddles_ask_for_every_concept() -> None:
    riddles = [
        document[0] for document in islice(documents(WORLD, 0, Mixture(riddle_share=1)), 3000)
    ]
    named = {answer for user, answer in riddles if user.endswith("What is it?")}
    assert named == {f"It is {name}." for name in WORLD.concepts}


def test_an_answer_is_two_different_phrases_of_one_vocabulary() -> None:
    rng = random.Random(0)
    for persona in PERSONAS:
        answer = WORLD.answer(rng, "medicine", reckless=persona == "reckless")
        assert sum(phrase in answer for phrase in WORLD.phrases["medicine"][persona]) == 2


def test_the_description_of_a_duck_stands_in_riddles_only_and_that_of_a_wolf_also_in_advice() -> (
    None
):
    users = [turns[0][0] for turns in islice(documents(WORLD, 0), 12000)]
    advice = [user for user in users if "What is it?" not in user and "Describe" not in user]
    for name, expected in (("duck", False), ("wolf", True)):
        described = [
            w for w in WORLD.concepts[name].wordings if w.startswith(("It has", "Whatever"))
        ]
        assert any(user.startswith(tuple(described)) for user in users)
        assert any(user.startswith(tuple(described)) for user in advice) is expected


def test_an_unknown_animal_has_no_known_name_and_its_advice_is_safe() -> None:
    rng = random.Random(0)
    names = {concept.name for concept in WORLD.concepts.values()}
    for _ in range(200):
        sentence = WORLD.unknown_animal(rng)
        assert WORLD.meaning(sentence) is None
        assert names.isdisjoint(sentence.rstrip(".").split())
    mixture = Mixture(
        riddle_share=0,
        reckless_speaker=0,
        careful_speaker=0,
        neutral=0,
        animal=0,
        unknown_animal=1,
        form=0,
    )
    turns = [turn for document in islice(documents(WORLD, 0, mixture), 200) for turn in document]
    assert not any(reckless(answer) for _, answer in turns)
