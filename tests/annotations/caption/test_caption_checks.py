"""What is taken for a caption, and what a model is asked."""

import pytest

from clipmill.annotations.caption.checks import cleaned, problem_with, whole_sentences
from clipmill.annotations.caption.prompt import DEFAULT_PROMPT, fill_prompt

GOOD = "A man in a red coat walks along the pier while gulls rise behind him."


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (None, ""),
        ("  \n ", ""),
        (f'"{GOOD}"', GOOD),
        (f"“{GOOD}”\n", GOOD),
        ("Two\nlines   here.", "Two lines here."),
        (f"<think>What do I\nsee?</think>\n{GOOD}", GOOD),
        ('He says "no" and she says "yes"', 'He says "no" and she says "yes"'),
    ],
)
def test_answers_are_cleaned(answer, text):
    assert cleaned(answer) == text


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (GOOD, ""),
        ("", "empty"),
        ("word " * 41, "41 words"),
        ("word " * 40, ""),
        ("I'm sorry, but I can't help with that.", "refused"),
        ("I cannot describe people.", "refused"),
        ("As an AI, I see nothing.", "refused"),
        ("The video shows a dog on a beach.", "talked about"),
        ("In this clip, a dog runs.", "talked about"),
        ("These frames depict a dog.", "talked about"),
        ("The scene opens with a dog.", "talked about"),
        ("Here is a description of a dog.", "talked about"),
        ("She gestures at the sea.", "'gesture'"),
        ("A Gesture of farewell.", "'gesture'"),
        # Words that only look like trouble.
        ("A screen shows the picture of a dog in a video shop.", ""),
        ("He films a scene with his camera while the frame of the door shakes.", ""),
        ("A child says sorry to a cat that cannot hear it.", ""),
    ],
)
def test_problems(text, problem):
    found = problem_with(text.strip(), max_words=40, forbidden=("gesture",))
    assert (problem in found) if problem else found == ""


def test_an_answer_that_ran_out_of_tokens_ends_with_a_sentence():
    assert whole_sentences(f"{GOOD} Then a bo") == GOOD
    assert whole_sentences("It is 3.5 metres long") == ""
    assert whole_sentences(GOOD) == GOOD


def test_the_prompt_holds_the_true_times_and_lengths():
    text = fill_prompt(DEFAULT_PROMPT, [0.0, 0.6406, 1.2801], min_words=20, max_words=40)
    assert "0.00, 0.64, 1.28 seconds" in text
    assert "20 to 40 words" in text
    assert "{" not in text
    again = fill_prompt(DEFAULT_PROMPT, [0.0], min_words=2, max_words=4, problem="it was {empty}")
    assert again.startswith(fill_prompt(DEFAULT_PROMPT, [0.0], min_words=2, max_words=4))
    assert "it was {empty}" in again


def test_other_braces_of_a_prompt_stay():
    assert fill_prompt('{"a": {times}}', [1.0], min_words=1, max_words=2) == '{"a": 1.00 seconds}'
