// A click on the head of a column sorts its table: numbers down first, words up first, again the other way.
for (const button of document.querySelectorAll("th button")) {
  button.addEventListener("click", () => {
    const head = button.closest("th");
    const body = head.closest("table").tBodies[0];
    const column = head.cellIndex;
    const value = (row) => row.cells[column].dataset.v ?? row.cells[column].textContent;
    const isNumber = (text) => text !== "" && !Number.isNaN(Number(text));
    const rows = [...body.rows];
    const areNumbers = rows.every((row) => value(row) === "" || isNumber(value(row)));
    const before = head.getAttribute("aria-sort");
    const down = before ? before === "ascending" : areNumbers;
    const sign = down ? -1 : 1;
    rows.sort((one, other) => {
      const [a, b] = [value(one), value(other)];
      if (a === "" || b === "") return (a === "") - (b === "");
      return sign * (areNumbers ? Number(a) - Number(b) : a.localeCompare(b));
    });
    for (const other of head.parentElement.cells) other.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    body.append(...rows);
  });
}
