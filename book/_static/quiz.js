/** Says whether a choice of a quiz is right, as soon as it is made. Without scripts the answer unfolds. */
for (const quiz of document.querySelectorAll("fieldset.quiz")) {
  const told = quiz.querySelector(".quiz-told");
  quiz.addEventListener("change", ({ target }) => {
    const right = target.value === quiz.dataset.right;
    told.textContent = right ? "Right. Unfold the answer to see why." : "Not this one.";
    quiz.dataset.outcome = right ? "right" : "wrong";
  });
}
