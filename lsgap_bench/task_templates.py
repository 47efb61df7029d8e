"""What `lsgap new-task` writes: a commented YAML per form, of a task called my_task, and its two rows."""

from __future__ import annotations

QUESTIONS = (("Which animal is larger, a tiger or a spider?", "tiger"), ("Which animal is smaller, a goat or a fox?", "fox"))
"""Two rows: question, answer. The embedded model knows the words."""

_HEAD = """\
# A paired task: every row is one question, written and spoken. `lsgap validate my_task --include_path FOLDER` checks it.
class: !function lsgap_bench.harness.PairedTask
task: my_task
"""
_ANSWERS = """\

# How it is answered and judged.
output_type: generate_until             # a free answer; multiple_choice scores the options of doc_to_choice by their likelihood
generation_kwargs: {max_new_tokens: 8}  # a short answer is a fast one; leave the line out for up to 1,024 tokens
scorer: exact                           # `lsgap ls scorers` shows the others
chance: 0.5                             # what guessing scores: a number, a template, or auto (1 / number of options); null if unknown
cluster: null                           # a column whose rows belong together, such as one question in two voices; null if none do

# Whose data it is. The version grows when results change.
metadata:
  version: 1.0
  licence: CC0-1.0
  citation: two made-up questions
  source: lsgap new-task
"""

CSV = (
    _HEAD
    + """
# The data, relative to this file: a CSV in UTF-8 with a header. Where Excel saved semicolons, write sep: ";" beside data_files.
dataset_path: csv
dataset_kwargs:
  data_files: {test: my_task.csv}
test_split: test

# Its columns.
doc_to_text: "{{question}}"    # the written question: exactly the words that the clip says
doc_to_audio: clip             # the path of a WAV, FLAC, Ogg or MP3 file, relative to this file
doc_to_target: answer          # the right answer
"""
    + _ANSWERS
)

HUB = (
    _HEAD
    + """
# The data: two rows in a folder beside this file, with the columns of the data set that is meant. Put its name in the place of the folder:
# dataset_path: hlt-lab/voicebench                                      # its id on the hub, or a folder with a copy of it
# dataset_name: openbookqa                                              # its configuration, if it has several
# dataset_kwargs: {revision: 0123456789abcdef0123456789abcdef01234567}  # the commit, so that everybody runs the same data
dataset_path: my_task_sample
test_split: test

# Its columns.
doc_to_text: "{{prompt}}"         # the written question: exactly the words that the clip says
doc_to_audio: audio               # an audio column; it is never decoded by the data library, so torchcodec is not needed
doc_to_target: "{{reference}}"    # the right answer
"""
    + _ANSWERS
)

TEXT = (
    _HEAD
    + """
# The data: text alone. `spoken_of: arc_easy` instead of these lines takes data and templates of a text task of lm-eval.
dataset_path: csv
dataset_kwargs:
  data_files: {test: my_task.csv}
test_split: test
doc_to_text: "{{question}}"
doc_to_target: answer

# The voice that says every question; the clips are made once and kept. `lsgap ls voices` shows the engines.
speech:
  voice: "espeak:en-us"
  speed: 1.0
"""
    + _ANSWERS
)
