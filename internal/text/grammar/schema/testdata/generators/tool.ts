export interface Tool { /** the place */ place: Place; at?: Date; tags: Record<string, number>; kind: "a" | "b" | null; node: Tree; shape: Circle | Square; both: Named & Aged; pair: [string, number]; maybe: string | undefined; lit: 5; flags: { [key: string]: boolean }; part: Partial<Place>; list: Array<string | number>; }
export interface Place { city: string; zip?: string }
export interface Tree { value: number; children: Tree[] }
export interface Circle { kind: "circle"; r: number }
export interface Square { kind: "square"; side: number }
export interface Named { name: string }
export interface Aged { age: number }
