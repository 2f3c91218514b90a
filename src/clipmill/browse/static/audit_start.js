const form = document.getElementById("start"), problem = document.getElementById("problem");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const body = JSON.stringify({ wanted: Number(form.wanted.value), by: form.by.value });
  const headers = { "Content-Type": "application/json" };
  try {
    const answer = await fetch("/audit", { method: "POST", body, headers });
    const told = await answer.json();
    if (!answer.ok) throw new Error(told.problem);
    location.href = told.address;
  } catch (error) {
    problem.textContent = error.message;
    problem.hidden = false;
  }
});
